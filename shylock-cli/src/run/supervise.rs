//! The command's life under the lock: signals go to it, and it does not outlive the lock.

use std::{
    process::ExitStatus,
    time::{Duration, Instant},
};

use nix::{sys::signal::Signal, unistd::Pid};
use shylock_core::AsyncLockGuard;
use tokio::time::sleep;

use super::{
    children::{self, Change},
    family::{self, Found, table},
    gate::Gate,
    job::{DYING, Job, Reach},
    ladder::{Cause, Ladder, Stop},
    signals::{Event, Signals, asks_to_end},
    terminal::Terminal,
    watchdog::Watchdog,
};
use crate::output;

/// How often to look whether something is left of a command: its orphans report their ends, but not who descends from them.
const LOOK: Duration = Duration::from_millis(100);
/// How long to wait silently for what a command has left.
const SILENCE: Duration = Duration::from_secs(2);

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// If it was stopped by us.
    pub(super) stopped: Option<Stop>,
    /// Whether it had the terminal.
    pub(super) at_terminal: bool,
}

/// A command that is looked after, and what with.
pub(super) struct Care<'a> {
    pub(super) job: Job,
    pub(super) guard: &'a AsyncLockGuard,
    pub(super) ladder: Ladder,
    pub(super) watchdog: &'a mut Watchdog,
    pub(super) signals: &'a mut Signals,
    terminal: Terminal,
    stopped: Option<Stop>,
    /// Whether it was asked to end: then all of it is waited for, and not only the shell in front.
    ending: bool,
    /// Since when the rest of it is waited for, and whether that was reported.
    rest: Option<(Instant, bool)>,
    /// Since when it is being killed.
    killing: Option<Instant>,
}

impl<'a> Care<'a> {
    pub(super) fn new(
        job: Job,
        guard: &'a AsyncLockGuard,
        ladder: Ladder,
        watchdog: &'a mut Watchdog,
        signals: &'a mut Signals,
    ) -> Self {
        let terminal = Terminal::of_this_process();
        Self {
            job,
            guard,
            ladder,
            watchdog,
            signals,
            terminal,
            stopped: None,
            ending: false,
            rest: None,
            killing: None,
        }
    }

    pub(super) async fn supervise(mut self, gate: Gate) -> Ended {
        self.watchdog.watch(&mut self.job).await;
        self.watchdog.good_for(self.guard.remaining(), &mut self.job).await;
        if self.terminal.is_for_the_command() {
            self.terminal.give_to(self.job.command);
        }
        // Behind a gate that is dropped, there will be no command.
        if self.guard.is_held()
            && let Err(error) = gate.open()
        {
            tracing::debug!(%error, "the gate is gone");
        }
        let mut at_terminal = false;
        let mut lost = Some(self.guard.lost());
        loop {
            let (remaining, ran) = (self.guard.remaining(), self.job.started.elapsed());
            self.watchdog.good_for(remaining, &mut self.job).await;
            self.climb(self.ladder.due(remaining, ran));
            let mut pause = self.ladder.pause(remaining, ran);
            if let Some(since) = self.killing {
                let left = self.kill();
                let patient = since.elapsed() < DYING;
                match self.job.ended {
                    Some(status) if !left || !patient => return self.end(status, at_terminal),
                    _ => pause = pause.min(if patient { family::PASS } else { LOOK }),
                }
            } else if let Some(status) = self.job.ended {
                at_terminal |= self.terminal.take_back();
                if !self.is_anything_left(status) {
                    return self.end(status, at_terminal);
                }
                pause = pause.min(LOOK);
            }
            tokio::select! {
                biased;
                event = self.signals.next() => self.note(event).await,
                () = self.watchdog.listen() => {}
                () = async { match &mut lost { Some(lost) => drop(lost.await), None => std::future::pending().await } } => lost = None,
                () = sleep(pause) => {}
            }
        }
    }

    fn end(mut self, status: ExitStatus, at_terminal: bool) -> Ended {
        let at_terminal = self.terminal.take_back() || at_terminal;
        Ended { status, stopped: self.stopped, at_terminal }
    }

    /// Does what is due, once.
    fn climb(&mut self, due: Option<Stop>) {
        if due.is_none() && self.stopped.is_some_and(|stop| stop.cause == Cause::Lost && !stop.hard) {
            // The store is back, and the command may go on if it wants to.
            self.stopped = None;
        }
        let Some(stop) = due.filter(|stop| self.stopped.is_none_or(|before| stop.hard && !before.hard)) else { return };
        tracing::debug!(?stop, "the command is stopped");
        self.stopped = Some(stop);
        if stop.hard {
            self.killing = Some(Instant::now());
        } else {
            self.job.signal(Signal::SIGTERM, Reach::All);
            // One that is suspended does not notice otherwise.
            self.job.signal(Signal::SIGCONT, Reach::All);
        }
    }

    /// Kills what is there. Says whether anything may be left.
    fn kill(&mut self) -> bool {
        self.job.signal(Signal::SIGKILL, Reach::All);
        self.job.living().map_or(true, |found| !found.living.is_empty())
    }

    /// Whether more is to be waited for than the command, which has ended.
    fn is_anything_left(&mut self, status: ExitStatus) -> bool {
        use std::os::unix::process::ExitStatusExt;
        if status.signal().is_some() && !self.ending && self.stopped.is_none() {
            // It has not ended by itself, and so cannot have meant to leave anything.
            self.ending = true;
            self.job.signal(Signal::SIGTERM, Reach::All);
        }
        if !self.ending && self.stopped.is_none() {
            return false;
        }
        match self.job.living() {
            Ok(found) if found.living.is_empty() => false,
            Ok(found) => {
                let (since, reported) = self.rest.get_or_insert((Instant::now(), false));
                if since.elapsed() >= SILENCE && !std::mem::replace(reported, true) {
                    report_rest(&found);
                }
                true
            }
            Err(_) => true,
        }
    }

    async fn note(&mut self, event: Event) {
        match event {
            Event::Request(Signal::SIGTSTP) => self.suspend(),
            Event::Request(signal) => self.pass_on(signal).await,
            Event::Child(child, change) => self.note_child(child, change).await,
        }
    }

    async fn note_child(&mut self, child: Pid, change: Change) {
        if let Change::Ended(status) = change {
            self.watchdog.note_end(child, status, &mut self.job).await;
        }
        if let Some(signal) = self.job.note(child, change) {
            self.note_stop(signal);
        }
    }

    async fn pass_on(&mut self, signal: Signal) {
        let sent_to_all = self.watchdog.has_got(signal).await;
        // `timeout` and others signal a process, and then its group.
        self.signals.drop_repetitions(signal);
        while let Some((child, change)) = children::next_change() {
            self.note_child(child, change).await;
        }
        if self.job.ended.is_some() && !self.is_rest_awaited() {
            // The command has just ended, so this is meant for what comes next.
            self.signals.put_back(signal);
            return;
        }
        self.ending |= asks_to_end(signal);
        if sent_to_all {
            tracing::debug!(%signal, "the command has got this signal, too");
        } else {
            self.job.signal(signal, if asks_to_end(signal) { Reach::All } else { Reach::Group });
        }
    }

    fn is_rest_awaited(&mut self) -> bool {
        let all = self.ending || self.stopped.is_some();
        all && self.job.living().map_or(true, |found| !found.living.is_empty())
    }

    /// The command was stopped by a signal, as by Ctrl-Z.
    fn note_stop(&mut self, signal: i32) {
        match Signal::try_from(signal) {
            // It wants the keys, and they are ours to give.
            Ok(Signal::SIGTTIN | Signal::SIGTTOU) if self.terminal.is_ours() => {
                self.terminal.give_to(self.job.command);
                self.job.signal(Signal::SIGCONT, Reach::Group);
            }
            Ok(Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU) => self.suspend(),
            // Whoever stopped it otherwise will let it go on, and its lock is kept meanwhile.
            _ => {}
        }
    }

    /// Stops the command and this process, as a shell's job; goes on when the shell says so, if the lock is still held. The
    /// watchdog kills a command whose lease ends meanwhile.
    fn suspend(&mut self) {
        self.job.signal(Signal::SIGSTOP, Reach::Group);
        self.terminal.take_back();
        self.terminal.stop_this_process();
        if self.guard.is_held() {
            self.terminal.give_to(self.job.command);
            self.job.signal(Signal::SIGCONT, Reach::Group);
        }
    }
}

fn report_rest(found: &Found) {
    let names: Vec<String> = found
        .living
        .iter()
        .take(5)
        .map(|process| format!("{} ({})", process.pid, output::plain(&table::name(process.pid))))
        .collect();
    output::report(&format!("waiting for what the command has left: {}", names.join(", ")));
}
