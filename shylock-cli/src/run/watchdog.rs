//! [`Watchdog`]: a second process of this program that outlives the first, to kill the command if that one is killed, or
//! stopped for longer than the lease. This is the first process's side of it; the other is [`super::watching`].

use std::{
    collections::VecDeque,
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, ChildStdout},
    time::timeout,
};

use super::{helper, job::Job, watching, words::Word};
use crate::output;

/// How long it may take to be ready.
const STARTING: Duration = Duration::from_secs(10);
/// A watchdog that does not read any more must not hold up the one that it watches.
const WRITING: Duration = Duration::from_millis(100);
/// An end of the lease that is earlier or later by less is no news.
const NEWS: Duration = Duration::from_millis(10);
const REPETITION: Duration = Duration::from_millis(400);
/// How long its end is waited for.
const ENDING: Duration = Duration::from_secs(1);
/// One that has died so soon is started anew after this time, not at once.
const REST: Duration = Duration::from_secs(1);
/// How far apart two processes may be signalled that are meant by one request.
const TOGETHER: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Watchdog {
    process: Option<Process>,
    strangers: bool,
    started: Instant,
    /// Until when the lock is good by the last word, and when that was.
    promised: Option<(Duration, Instant)>,
    /// Signals that it got.
    signalled: VecDeque<(Signal, Instant)>,
    /// It has killed the command.
    pub(super) has_killed: bool,
    /// Whether its absence was reported.
    reported: bool,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    input: ChildStdin,
    output: ChildStdout,
}

impl Process {
    fn start(strangers: bool) -> io::Result<Self> {
        let mut command = helper::command(watching::TITLE, watching::ROLE);
        command.args(strangers.then_some(watching::STRANGERS)).process_group(0).env_remove("SHYLOCK_STORE");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let pid = Pid::from_raw(child.id().try_into().map_err(io::Error::other)?);
        let missing = || io::Error::other("it has no pipe");
        let input = ChildStdin::from_std(child.stdin.take().ok_or_else(missing)?)?;
        let output = ChildStdout::from_std(child.stdout.take().ok_or_else(missing)?)?;
        Ok(Self { pid, input, output })
    }
}

impl Watchdog {
    /// Starts it, and waits until it is ready.
    pub(super) async fn start(strangers: bool) -> io::Result<Self> {
        let mut process = Process::start(strangers)?;
        match timeout(STARTING, process.output.read_u8()).await {
            Ok(Ok(watching::READY)) => {}
            Ok(_) => return Err(io::Error::other("its watchdog ended at once")),
            Err(_) => return Err(io::Error::other("its watchdog does not start")),
        }
        Ok(Self {
            process: Some(process),
            strangers,
            started: Instant::now(),
            promised: None,
            signalled: VecDeque::new(),
            has_killed: false,
            reported: false,
        })
    }

    pub(super) fn pid(&self) -> Option<Pid> {
        self.process.as_ref().map(|process| process.pid)
    }

    pub(super) async fn watch(&mut self, job: &mut Job) {
        if let Some(pid) = self.pid() {
            job.set_helper(pid);
        }
        self.send(&Word::Mark(job.mark.clone())).await;
        self.send(&Word::Command(job.family().command)).await;
    }

    /// The command may run for so long without another word.
    pub(super) async fn good_for(&mut self, remaining: Duration, job: &mut Job) {
        if self.process.is_none() && !self.has_killed && self.started.elapsed() >= REST {
            self.restart(job).await;
        }
        let until = watching::now().saturating_add(remaining);
        if self.promised.is_some_and(|(before, at)| until.abs_diff(before) < NEWS && at.elapsed() < REPETITION) {
            return;
        }
        self.promised = Some((until, Instant::now()));
        self.send(&Word::Good(until)).await;
        if let Some(pid) = self.pid() {
            // Somebody may have stopped it.
            let _running = kill(pid, Signal::SIGCONT);
        }
    }

    /// Notes that a child has ended: if it is the watchdog, another one takes its place.
    pub(super) async fn note_end(&mut self, child: Pid, status: ExitStatus, job: &mut Job) {
        if self.pid() != Some(child) {
            return;
        }
        self.process = None;
        self.has_killed = status.code() == Some(watching::HAS_KILLED.into());
        if !self.has_killed {
            tracing::debug!(code = status.code(), signal = status.signal(), "watchdog ended");
            if self.started.elapsed() >= REST {
                self.restart(job).await;
            }
        }
    }

    async fn restart(&mut self, job: &mut Job) {
        self.started = Instant::now();
        match Process::start(self.strangers) {
            Ok(process) => {
                self.process = Some(process);
                self.promised = None;
                self.watch(job).await;
            }
            Err(error) if !std::mem::replace(&mut self.reported, true) => output::report(&format!(
                "the watchdog has ended and cannot be started again ({error}): nobody stops all of the command if this process is killed"
            )),
            Err(_) => {}
        }
    }

    /// Reads what it reports. Never ends.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn listen(&mut self) {
        loop {
            let Some(process) = &mut self.process else { return std::future::pending().await };
            match process.output.read_u8().await {
                Ok(number) => {
                    let signal = Signal::try_from(i32::from(number)).ok();
                    self.signalled.extend(signal.map(|signal| (signal, Instant::now())));
                }
                // Its end is reported as that of a child.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Whether it has got this signal at about the same time as this process: then whoever sent it, such as systemd with
    /// `KillMode=control-group`, has sent it to all processes, and the command has it already.
    pub(super) async fn has_got(&mut self, signal: Signal) -> bool {
        drop(timeout(TOGETHER, self.listen()).await);
        self.signalled.retain(|(_, at)| at.elapsed() < 2 * TOGETHER);
        let found = self.signalled.iter().position(|(got, _)| *got == signal);
        found.is_some_and(|at| self.signalled.remove(at).is_some())
    }

    /// There is nothing to watch any more.
    pub(super) async fn dismiss(mut self) {
        self.send(&Word::Done).await;
        let Some(Process { pid, input, .. }) = self.process.take() else { return };
        drop(input);
        let since = Instant::now();
        while kill(pid, None) != Err(Errno::ESRCH) && since.elapsed() < ENDING {
            while super::children::next_change().is_some() {}
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn send(&mut self, word: &Word) {
        let Some(process) = &mut self.process else { return };
        // One that has ended is noticed by its end, and one that is stopped goes on with the next signal.
        drop(timeout(WRITING, process.input.write_all(word.to_string().as_bytes())).await);
    }
}
