//! The command's life under the lock: signals go to it, and it does not outlive the lock.

use std::{io, process::ExitStatus};

use nix::sys::signal::Signal;
use shylock_core::AsyncLockGuard;
use tokio::time::sleep;

use super::{
    job::Job,
    ladder::{Ladder, Stop},
    signals::Signals,
    terminal::{self, Terminal},
    watcher::Watcher,
};

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// If it was stopped by us.
    pub(super) stopped: Option<Stop>,
}

pub(super) async fn supervise(
    job: &mut Job,
    guard: &AsyncLockGuard,
    ladder: &Ladder,
    watcher: &mut Watcher,
    signals: &mut Signals,
    terminal: Option<&Terminal>,
) -> io::Result<Ended> {
    watcher.watch(job.group).await;
    if let Some(terminal) = terminal {
        terminal.give_to(job.group);
    }
    let mut stopped: Option<Stop> = None;
    let mut lost = Some(guard.lost());
    let status = loop {
        let (remaining, ran) = (guard.remaining(), job.started.elapsed());
        watcher.good_for(remaining).await;
        let due = ladder.due(remaining, ran);
        if let Some(stop) = due.filter(|stop| stopped.is_none_or(|before| stop.hard && !before.hard)) {
            stop_job(job, stop);
            stopped = Some(Stop { cause: stopped.map_or(stop.cause, |before| before.cause), ..stop });
        }
        tokio::select! {
            biased;
            status = job.end() => break status?,
            signal = signals.next() => match signal {
                Signal::SIGCHLD if !job.is_stopped() => {}
                Signal::SIGCHLD | Signal::SIGTSTP => suspend(job, guard, terminal),
                signal => job.signal(signal),
            },
            () = sleep(ladder.pause(remaining, ran)) => {}
            () = async { match &mut lost { Some(lost) => drop(lost.await), None => std::future::pending().await } } => lost = None,
        }
    };
    if stopped.is_some() {
        job.kill_the_rest().await;
    }
    if let Some(terminal) = terminal {
        terminal.take_back();
    }
    Ok(Ended { status, stopped })
}

fn stop_job(job: &Job, stop: Stop) {
    tracing::debug!(?stop, "the command is stopped");
    job.signal(if stop.hard { Signal::SIGKILL } else { Signal::SIGTERM });
    // One that is suspended does not hear otherwise.
    job.signal(Signal::SIGCONT);
}

/// Stops the command and this process, as a shell's job; goes on when the shell says so, if the lock is still held. The
/// watcher kills a command whose lease ends meanwhile.
fn suspend(job: &Job, guard: &AsyncLockGuard, terminal: Option<&Terminal>) {
    job.signal(Signal::SIGSTOP);
    if let Some(terminal) = terminal {
        terminal.take_back();
    }
    terminal::stop_this_process();
    if guard.is_held() {
        if let Some(terminal) = terminal {
            terminal.give_to(job.group);
        }
        job.signal(Signal::SIGCONT);
    }
}
