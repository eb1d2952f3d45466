//! The watchdog itself: a process that kills the command when the first process is gone, or has not said in time that the
//! lock is still good.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{prctl, signal::SigSet},
    time::{ClockId, clock_gettime},
    unistd::getppid,
};

use super::{
    family::{self, Family, Id, Mark, table},
    helper,
    signals::REQUESTS,
    words::Word,
};

/// The first argument of this process. Another one: `strangers`, if its parent may have other children.
pub(super) const ROLE: &str = "__watch";
pub(super) const STRANGERS: &str = "strangers";
/// What `ps` shows. `pkill shylock` must not hit it.
pub(super) const TITLE: &str = "lock-watchdog";
/// The byte that says that it watches; all others are the numbers of signals that it got.
pub(super) const READY: u8 = 0;
/// The exit status of one that has killed the command.
pub(super) const HAS_KILLED: u8 = 3;
/// Timers stand still while the machine sleeps.
const LOOK: Duration = Duration::from_millis(500);
/// Looking at all processes may take one part in so many of a processor's time.
const SHARE: u32 = 100;
/// How long it tries to kill what does not die.
const PERSISTENCE: Duration = Duration::from_secs(60);

/// The clock that also counts while the machine sleeps.
pub(super) fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// Watches, if that is what this process was started for.
pub(crate) fn serve() -> Option<ExitCode> {
    let mut arguments = helper::arguments(ROLE)?;
    let strangers = arguments.next().is_some_and(|argument| argument == STRANGERS);
    // Whoever ends all processes of a service means the command; this one ends when there is nothing to watch.
    let deaf = SigSet::all().thread_block();
    let supervisor = table::find(getppid().as_raw()).map(|process| Id::of(&process));
    let (sender, words) = mpsc::channel();
    let reader = thread::Builder::new().spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        lines.map_while(|line| Word::parse(&line)).all(|word| sender.send(word).is_ok())
    });
    let witness = thread::Builder::new().spawn(report_signals);
    if deaf.is_err() || reader.is_err() || witness.is_err() {
        return Some(ExitCode::FAILURE);
    }
    let _shown = prctl::set_name(c"lock-watchdog");
    report(READY);
    let mut ward = Ward { supervisor, strangers, mark: None, family: None, looked: None };
    if !watch(&words, &mut ward) {
        return Some(ExitCode::SUCCESS);
    }
    if let (Some(family), Some(mark)) = (&mut ward.family, &ward.mark) {
        family::kill_all(family, mark, PERSISTENCE);
    }
    Some(ExitCode::from(HAS_KILLED))
}

/// Tells the first process which signals come here, too. Never ends.
fn report_signals() {
    let requests: SigSet = REQUESTS.into_iter().collect();
    while let Ok(signal) = requests.wait() {
        if let Ok(number) = u8::try_from(signal as i32) {
            report(number);
        }
    }
}

/// Whether anybody reads it or not.
fn report(byte: u8) {
    drop(io::stdout().write_all(&[byte]).and_then(|()| io::stdout().flush()));
}

/// Who is watched.
#[derive(Debug)]
struct Ward {
    supervisor: Option<Id>,
    strangers: bool,
    mark: Option<Mark>,
    family: Option<Family>,
    /// When its processes were looked at, and how long that took.
    looked: Option<(Instant, Duration)>,
}

impl Ward {
    fn set_command(&mut self, command: Id) {
        // A supervisor that has gone has no children.
        let supervisor = self.supervisor.unwrap_or(Id { pid: 0, started: 0 });
        let mut family = Family::new(supervisor, command, self.strangers);
        family.except.extend(i32::try_from(std::process::id()));
        self.family = Some(family);
    }

    /// Remembers the command's processes: when the supervisor has died, nobody knows whose orphans they are.
    fn look(&mut self) {
        let (Some(family), Some(mark)) = (&mut self.family, &self.mark) else { return };
        if self.looked.is_some_and(|(at, took)| at.elapsed() < took * SHARE) {
            return;
        }
        let since = Instant::now();
        if family::find(family, mark).is_ok() {
            self.looked = Some((since, since.elapsed()));
        }
    }
}

/// Whether it is time to kill. `false`: there is nothing to watch any more.
fn watch(words: &mpsc::Receiver<Word>, ward: &mut Ward) -> bool {
    let mut good_until = Duration::MAX;
    loop {
        let left = good_until.saturating_sub(now());
        match words.recv_timeout(left.min(LOOK)) {
            Ok(Word::Done) => return false,
            Ok(Word::Mark(mark)) => ward.mark = Some(mark),
            Ok(Word::Command(command)) => ward.set_command(command),
            Ok(Word::Good(until)) => good_until = until,
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return true,
        }
        ward.look();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_acts_when_it_hears_no_more_or_too_late() {
        let outcome = |words: Vec<Word>, stay: bool| {
            let (sender, receiver) = mpsc::channel();
            words.into_iter().for_each(|word| sender.send(word).expect("it is received"));
            let _sender = stay.then_some(sender);
            let mut ward = Ward { supervisor: None, strangers: false, mark: None, family: None, looked: None };
            (watch(&receiver, &mut ward), ward.family.map(|family| family.command.pid))
        };
        let command = || Word::Command(Id { pid: 7, started: 0 });
        let long = || Word::Good(now() + Duration::from_secs(3600));
        assert_eq!(outcome(vec![command(), long()], false), (true, Some(7)), "killed");
        let soon = Word::Good(now() + Duration::from_millis(30));
        assert_eq!(outcome(vec![command(), long(), soon], true), (true, Some(7)), "stopped");
        assert!(!outcome(vec![command(), long(), Word::Done], true).0);
        assert_eq!(outcome(vec![], false), (true, None));
    }
}
