//! The command's life under the lock: signals go to it, and it does not outlive the lock.

use std::{io, process::ExitStatus};

use nix::sys::signal::Signal;
use shylock_core::AsyncLockGuard;
use tokio::time::sleep;

use super::{
    gate::Gate,
    job::Job,
    ladder::{Cause, Ladder, Stop},
    signals::Signals,
    terminal::Terminal,
    watcher::Watcher,
};

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// If it was stopped by us.
    pub(super) stopped: Option<Stop>,
    /// Whether it had the terminal.
    pub(super) at_terminal: bool,
}

/// What a command is looked after with.
pub(super) struct Care<'a> {
    pub(super) guard: &'a AsyncLockGuard,
    pub(super) ladder: Ladder,
    pub(super) watcher: &'a mut Watcher,
    pub(super) signals: &'a mut Signals,
}

pub(super) async fn supervise(job: &mut Job, gate: Gate, care: &mut Care<'_>) -> io::Result<Ended> {
    let mut terminal = Terminal::of_this_process();
    care.watcher.watch(job.group).await;
    care.watcher.good_for(care.guard.remaining()).await;
    if terminal.is_for_the_command() {
        terminal.give_to(job.group);
    }
    // Behind a gate that is dropped, there will be no command.
    let begun = if care.guard.is_held() { gate.open() } else { Ok(()) };
    let (status, stopped) = match begun {
        Ok(()) => watch_over(job, &mut terminal, care).await,
        Err(error) => (Err(error), None),
    };
    if status.is_err() || stopped.is_some_and(|stop| stop.hard) {
        job.kill_the_rest().await;
    }
    let at_terminal = terminal.take_back();
    Ok(Ended { status: status?, stopped, at_terminal })
}

async fn watch_over(
    job: &mut Job,
    terminal: &mut Terminal,
    care: &mut Care<'_>,
) -> (io::Result<ExitStatus>, Option<Stop>) {
    let mut stopped: Option<Stop> = None;
    // Who was told to end is waited for: all of the group, not only the shell in front of it.
    let mut ending = false;
    let mut lost = Some(care.guard.lost());
    loop {
        let (remaining, ran) = (care.guard.remaining(), job.started.elapsed());
        care.watcher.good_for(remaining).await;
        let due = care.ladder.due(remaining, ran);
        if due.is_none() && stopped.is_some_and(|stop| stop.cause == Cause::Lost && !stop.hard) {
            // The store is back, and the command may go on if it wants to.
            stopped = None;
        }
        if let Some(stop) = due.filter(|stop| stopped.is_none_or(|before| stop.hard && !before.hard)) {
            stop_job(job, stop);
            stopped = Some(stop);
        }
        let killed = stopped.is_some_and(|stop| stop.hard);
        tokio::select! {
            biased;
            status = job.end(!killed && (ending || stopped.is_some())) => return (status, stopped),
            signal = care.signals.next() => {
                ending |= matches!(signal, Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP | Signal::SIGQUIT);
                obey(signal, job, terminal, care.guard);
            }
            () = sleep(care.ladder.pause(remaining, ran)) => {}
            () = async { match &mut lost { Some(lost) => drop(lost.await), None => std::future::pending().await } } => lost = None,
        }
    }
}

fn stop_job(job: &Job, stop: Stop) {
    job.signal(if stop.hard { Signal::SIGKILL } else { Signal::SIGTERM });
    // One that is suspended does not hear otherwise.
    job.signal(Signal::SIGCONT);
    tracing::debug!(?stop, "the command is stopped");
}

fn obey(signal: Signal, job: &Job, terminal: &mut Terminal, guard: &AsyncLockGuard) {
    match signal {
        Signal::SIGTSTP => suspend(job, terminal, guard),
        Signal::SIGCHLD => match job.stopped_by() {
            // It wants the keys, and they are ours to give.
            Some(Signal::SIGTTIN | Signal::SIGTTOU) if terminal.is_ours() => {
                terminal.give_to(job.group);
                job.signal(Signal::SIGCONT);
            }
            Some(Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU) => suspend(job, terminal, guard),
            // Whoever stopped it otherwise will let it go on, and its lock is kept meanwhile.
            _ => {}
        },
        signal => job.signal(signal),
    }
}

/// Stops the command and this process, as a shell's job; goes on when the shell says so, if the lock is still held. The
/// watcher kills a command whose lease ends meanwhile.
fn suspend(job: &Job, terminal: &mut Terminal, guard: &AsyncLockGuard) {
    job.signal(Signal::SIGSTOP);
    terminal.take_back();
    terminal.stop_this_process();
    if guard.is_held() {
        terminal.give_to(job.group);
        job.signal(Signal::SIGCONT);
    }
}
