//! `run`: a command under a lock. Who holds it no more has no command running any more: see [`supervise()`].

mod finish;
pub(crate) mod gate;
mod job;
mod ladder;
mod progress;
mod signals;
mod supervise;
mod terminal;
mod wait;
pub(crate) mod watcher;

use std::{os::unix::process::ExitStatusExt, time::Instant};

use nix::sys::signal::Signal;
use shylock_core::{AsyncLock, AsyncLockGuard, LockManager, LockManagerBuilder, MemoryBackend};

use self::{
    gate::Gate,
    job::Job,
    ladder::Ladder,
    signals::Signals,
    supervise::{Care, Ended, supervise},
    watcher::Watcher,
};
use crate::{arguments::Run, failure::Failure, store};

pub(crate) async fn run(options: &Run, told: Option<&str>) -> Result<u8, Failure> {
    finish::check(options)?;
    lock(options, LockManager::builder(MemoryBackend::new()))?.manager()?;
    options.command.first().map_or(Ok(()), |program| gate::check(program))?;
    let mut signals = Signals::new().map_err(|error| Failure::system("no signals", &error))?;
    let opened = tokio::select! {
        biased;
        opened = store::open(told) => opened?,
        signal = signals.next_request() => return Err(Failure::interrupted(signal as i32)),
    };
    let lock = lock(options, LockManager::builder_from(opened.backend))?;
    let guard = wait::acquire(&lock, options, &mut signals).await?;

    let acquired = Instant::now();
    let ended = live(options, &guard, &mut signals).await;
    let interrupted = match &ended {
        Ok(Ended { status, at_terminal: true, .. }) => status.signal(),
        _ => None,
    };
    let outcome = finish::finish(ended, guard, options, acquired).await;
    if let Some(signal @ (Signal::SIGINT | Signal::SIGQUIT)) = interrupted.and_then(|signal| signal.try_into().ok()) {
        terminal::end_by(signal);
    }
    outcome
}

fn lock(options: &Run, manager: LockManagerBuilder) -> Result<AsyncLock, Failure> {
    let lock = manager.ttl(options.ttl).build()?.lock(&options.name);
    Ok(match &options.note {
        Some(note) => lock.with_note(note),
        None => lock,
    })
}

async fn live(options: &Run, guard: &AsyncLockGuard, signals: &mut Signals) -> Result<Ended, Failure> {
    let system = |error| Failure::system("the command cannot be looked after", &error);
    let mut watcher = Watcher::start().map_err(system)?;
    let gate = Gate::new().map_err(system)?;
    let mut job = Job::start(options, guard.token(), &gate)?;
    let ladder = Ladder { ttl: options.ttl, at_most: options.at_most };
    let ended = supervise(&mut job, gate, &mut Care { guard, ladder, watcher: &mut watcher, signals }).await;
    watcher.dismiss().await;
    ended.map_err(system)
}
