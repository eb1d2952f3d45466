//! [`Watcher`]: a second process of this program that outlives the first, to kill the command if that one is killed, or
//! stopped for longer than the lease. It hears on its standard input for how long the lock is good.

use std::{
    io::{self, BufRead},
    process::{ExitCode, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    time::{ClockId, clock_gettime},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use crate::output::tell;

/// The only argument of the second process.
const ROLE: &str = "__watch";
/// A watcher that does not read any more must not hold up the one that it watches.
const WRITING: Duration = Duration::from_millis(100);
/// Timers stand still while the machine sleeps.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Watcher {
    child: Child,
    input: Option<ChildStdin>,
}

impl Watcher {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).process_group(0).env_remove("SHYLOCK_STORE");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    pub(super) async fn watch(&mut self, group: Pid) {
        self.tell(&format!("group {group}\n")).await;
    }

    /// The command may run for so long without another word.
    pub(super) async fn good_for(&mut self, remaining: Duration) {
        self.tell(&format!("good {}\n", now().saturating_add(remaining).as_millis())).await;
    }

    /// There is nothing to watch any more.
    pub(super) async fn dismiss(mut self) {
        if let Some(mut input) = self.input.take() {
            // One that has killed its group does not hear it any more.
            drop(timeout(WRITING, input.write_all(b"done\n")).await);
        }
        drop(timeout(Duration::from_secs(1), self.child.wait()).await);
    }

    async fn tell(&mut self, word: &str) {
        let Some(input) = &mut self.input else { return };
        if !matches!(timeout(WRITING, input.write_all(word.as_bytes())).await, Ok(Ok(()))) {
            tell("the watcher is gone: nobody stops the command if this process is killed");
            self.input = None;
        }
    }
}

/// The clock that also counts while the machine sleeps.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// What the first process says.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Group(i32),
    /// Until then, on that clock.
    Good(Duration),
    Done,
}

/// Watches, if that is what this process was started for.
pub(crate) fn serve() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|role| role != ROLE) || arguments.next().is_some() {
        return None;
    }
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        lines.map_while(|line| read(&line)).all(|word| told.send(word).is_ok())
    });
    if let Some(group) = watch(&heard) {
        let _gone = killpg(group, Signal::SIGKILL);
    }
    Some(ExitCode::SUCCESS)
}

/// Whom to kill, when it is time.
fn watch(heard: &mpsc::Receiver<Word>) -> Option<Pid> {
    let mut group = None;
    let mut good_until = Duration::MAX;
    loop {
        let left = good_until.saturating_sub(now());
        match heard.recv_timeout(left.min(LOOK)) {
            Ok(Word::Done) => return None,
            Ok(Word::Group(id)) => group = Some(Pid::from_raw(id)),
            Ok(Word::Good(until)) => good_until = until,
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return group,
        }
    }
}

fn read(line: &str) -> Option<Word> {
    match line.split_once(' ') {
        None => (line == "done").then_some(Word::Done),
        // 0 and 1 would be this process's own group, and everybody's.
        Some(("group", id)) => id.parse().ok().filter(|id| *id > 1).map(Word::Group),
        Some(("good", ms)) => ms.parse().ok().map(|ms| Word::Good(Duration::from_millis(ms))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_words_are_understood() {
        assert_eq!(read("group 4711"), Some(Word::Group(4711)));
        assert_eq!(read("good 250"), Some(Word::Good(Duration::from_millis(250))));
        assert_eq!(read("done"), Some(Word::Done));
        for bad in ["", "group 1", "group 0", "group -1", "group x", "good -1", "don", "kill 4711"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_acts_when_it_hears_no_more_or_too_late() {
        let outcome = |words: Vec<Word>, stay: bool| {
            let (told, heard) = mpsc::channel();
            words.into_iter().for_each(|word| told.send(word).expect("heard"));
            let _told = stay.then_some(told);
            watch(&heard).map(Pid::as_raw)
        };
        let long = || Word::Good(now() + Duration::from_secs(3600));
        assert_eq!(outcome(vec![Word::Group(7), long()], false), Some(7), "killed");
        let soon = Word::Good(now() + Duration::from_millis(30));
        assert_eq!(outcome(vec![Word::Group(7), long(), soon], true), Some(7), "stopped");
        assert_eq!(outcome(vec![Word::Group(7), long(), Word::Done], true), None);
        assert_eq!(outcome(vec![], false), None);
    }
}
