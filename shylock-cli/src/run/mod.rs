//! `run`: a command under a lock. Who holds it no more has no command running any more: see [`supervise`].

mod finish;
mod job;
mod ladder;
mod progress;
mod signals;
mod supervise;
mod terminal;
mod wait;
pub(crate) mod watcher;

use std::time::Instant;

use shylock_core::LockManager;

use self::{job::Job, ladder::Ladder, signals::Signals, terminal::Terminal, watcher::Watcher};
use crate::{arguments::Run, failure::Failure, store};

pub(crate) async fn run(options: &Run, told: Option<&str>) -> Result<u8, Failure> {
    finish::check(options)?;
    let mut signals = Signals::new().map_err(|error| Failure::system("no signals", &error))?;
    let store = store::open(told).await?;
    let manager = LockManager::builder_from(store.backend).ttl(options.ttl).build()?;
    let mut lock = manager.lock(&options.name);
    if let Some(note) = &options.note {
        lock = lock.with_note(note);
    }
    let mut watcher = Watcher::start().map_err(|error| Failure::system("no watcher", &error))?;
    let asked = Instant::now();
    let guard = wait::acquire(&lock, &manager, options, &mut signals).await?;
    tracing::debug!(lock = options.name, token = %guard.token(), waited = ?asked.elapsed(), "the lock is held");

    let acquired = Instant::now();
    let started = Job::start(options, guard.token());
    let ended = match started {
        Ok(mut job) => {
            let ladder = Ladder { ttl: options.ttl, at_most: options.at_most };
            let terminal = Terminal::of_this_job();
            let ended =
                supervise::supervise(&mut job, &guard, &ladder, &mut watcher, &mut signals, terminal.as_ref()).await;
            ended.map_err(|error| Failure::system("the command is out of sight", &error))
        }
        Err(failure) => Err(failure),
    };
    watcher.dismiss().await;
    finish::finish(ended, guard, options, acquired).await
}
