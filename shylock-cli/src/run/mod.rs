//! `run`: a command under a lock. It does not outlive the lock: see [`supervise`].

mod children;
mod family;
mod finish;
mod gate;
mod helper;
mod job;
mod ladder;
mod nested;
mod progress;
mod signals;
mod supervise;
mod terminal;
mod wait;
mod watchdog;
mod watching;
mod words;

use std::{os::unix::process::ExitStatusExt, process::ExitCode, time::Instant};

use nix::sys::{prctl, signal::Signal};
use shylock_core::{AsyncLock, AsyncLockGuard, LockManager, LockManagerBuilder, MemoryBackend};

pub(crate) use self::signals::prepare;
use self::{
    gate::Gate,
    job::Job,
    ladder::Ladder,
    signals::Signals,
    supervise::{Care, Ended},
    wait::Limit,
    watchdog::Watchdog,
};
use crate::{arguments::Run, failure::Failure, hints, output};

/// Does what this process was started for, if that is to help another one of this program.
pub(crate) fn serve() -> Option<ExitCode> {
    watching::serve().or_else(gate::serve).or_else(terminal::serve)
}

pub(crate) async fn run(options: &Run, named: Option<&str>) -> Result<u8, Failure> {
    finish::check(options)?;
    lock(options, LockManager::builder(MemoryBackend::new()))?.manager()?;
    check_command(options)?;
    helper::check()?;
    let mut signals = Signals::new().map_err(|error| Failure::system("no signals", &error))?;
    let limit = Limit::of(options);
    let opened = wait::open(options, named, limit, &mut signals).await?;
    if let Some(notice) = opened.notice(options.no_wait) {
        output::report(&notice);
    }
    for weakness in &opened.weaknesses {
        output::report(&format!("warning: {weakness}"));
    }
    let store = opened.address.shown();
    let lock = lock(options, LockManager::builder_from(opened.backend))?;
    if limit.is_waiting() {
        let held = family::mark::held_around(|name| std::env::var_os(name));
        nested::check(options, &lock.manager()?, &held).await?;
    }
    let guard = wait::acquire(&lock, options, limit, &store, &mut signals).await?;

    let acquired = Instant::now();
    let ended = live(options, &guard, &mut signals).await;
    let interrupted = match &ended {
        Ok(Ended { status, at_terminal: true, .. }) => status.signal(),
        _ => None,
    };
    let outcome = finish::finish(ended, guard, options, acquired, &mut signals).await;
    if let Some(signal @ (Signal::SIGINT | Signal::SIGQUIT)) = interrupted.and_then(|signal| signal.try_into().ok()) {
        terminal::end_by(signal);
    }
    outcome
}

fn check_command(options: &Run) -> Result<(), Failure> {
    let Some(program) = options.command.first() else { return Ok(()) };
    gate::check(program).map_err(|failure| {
        match hints::for_command(&options.name, &options.command, |program| gate::check(program).is_ok()) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })
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
    let strangers = job::has_strangers();
    // What loses its parent becomes a child of this process, so that all that the command starts can be found.
    prctl::set_child_subreaper(true).map_err(|error| system(error.into()))?;
    let mut watchdog = Watchdog::start(strangers).await.map_err(system)?;
    let gate = Gate::new().map_err(system)?;
    let job = Job::start(options, guard.token(), strangers, &gate)?;
    let ladder = Ladder { ttl: options.ttl, at_most: options.at_most };
    let ended = Care::new(job, guard, ladder, &mut watchdog, signals).supervise(gate).await;
    watchdog.dismiss().await;
    Ok(ended)
}
