//! [`Job`]: the command and what it has started, as one process group.

use std::{
    fs, io,
    process::ExitStatus,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use shylock_core::FencingToken;
use tokio::process::{Child, Command};

use super::gate::Gate;
use crate::{arguments::Run, failure::Failure, output::tell};

/// How long a killed group may take to be gone. A process that the kernel does not let go of takes longer.
const GOING: Duration = Duration::from_secs(2);
/// How often to look whether a group is gone: nobody tells when a process is that is not our child.
const LOOK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Job {
    child: Child,
    ended: Option<ExitStatus>,
    pub(super) group: Pid,
    pub(super) started: Instant,
    told: AtomicBool,
}

impl Job {
    /// Starts it behind the gate.
    pub(super) fn start(options: &Run, token: FencingToken, gate: &Gate) -> Result<Self, Failure> {
        let not_started = |error: io::Error| Failure::system("the command cannot be started", &error);
        let mut command = Command::from(gate.command(&options.command).map_err(not_started)?);
        command.process_group(0).env("SHYLOCK_NAME", &options.name).env("SHYLOCK_TOKEN", token.to_string());
        let child = command.spawn().map_err(not_started)?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = id.map(Pid::from_raw).ok_or_else(|| not_started(io::Error::other("it has no process id")))?;
        Ok(Self { child, ended: None, group, started: Instant::now(), told: AtomicBool::new(false) })
    }

    /// Resolves when the command itself has ended, or, if `all`, when nobody of its group is there any more.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn end(&mut self, all: bool) -> io::Result<ExitStatus> {
        let status = match self.ended {
            Some(status) => status,
            None => self.child.wait().await?,
        };
        self.ended = Some(status);
        while all && self.is_there() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(status)
    }

    /// Sends a signal to the whole group. One that has gone does not mind.
    pub(super) fn signal(&self, signal: Signal) {
        match killpg(self.group, signal) {
            Err(Errno::EPERM) if !self.told.swap(true, Ordering::Relaxed) => {
                tell(
                    "the command belongs to another user: it cannot be stopped by this one (run shylock as that user)",
                );
            }
            Err(error) if error != Errno::ESRCH => tracing::debug!(%error, %signal, "the command was not reached"),
            _ => {}
        }
    }

    /// By what signal the command was stopped, as by Ctrl-Z. It is told once.
    pub(super) fn stopped_by(&self) -> Option<Signal> {
        match waitid(Id::Pid(self.group), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG) {
            Ok(WaitStatus::Stopped(_, signal)) => Some(signal),
            _ => None,
        }
    }

    /// Kills what is left of the group, and waits until it is gone.
    pub(super) async fn kill_the_rest(&self) {
        let since = Instant::now();
        while self.is_there() && since.elapsed() < GOING {
            self.signal(Signal::SIGKILL);
            tokio::time::sleep(LOOK).await;
        }
    }

    fn is_there(&self) -> bool {
        killpg(self.group, None) != Err(Errno::ESRCH) && lives(self.group).unwrap_or(true)
    }
}

/// Whether anybody of the group is more than a dead child that its parent, such as the first process of a container, does not
/// ask for.
fn lives(group: Pid) -> io::Result<bool> {
    let group = group.to_string();
    let alive = |stat: &str| {
        // `pid (name) state parent group …`, and a name may have parentheses.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        (fields.nth(1)? == group && !matches!(state, "Z" | "X")).then_some(())
    };
    let stats = fs::read_dir("/proc")?.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    Ok(stats.into_iter().any(|stat| alive(&stat).is_some()))
}
