//! Waiting for the lock.

use std::time::Duration;

use shylock_core::{AsyncLock, AsyncLockGuard, Error};
use tokio::time::timeout;

use super::{progress, signals::Signals};
use crate::{arguments::Run, failure::Failure, output::plain};

/// How long the end waits for what was asked for to be withdrawn.
const CLOSING: Duration = Duration::from_secs(2);

pub(super) async fn acquire(lock: &AsyncLock, options: &Run, signals: &mut Signals) -> Result<AsyncLockGuard, Failure> {
    let manager = lock.manager()?;
    let interrupted = tokio::select! {
        biased;
        outcome = asked(lock, options) => return outcome.map_err(|error| failure(error, options)),
        signal = signals.next_request() => Failure::interrupted(signal as i32),
        () = progress::show(&manager, &options.name) => unreachable!("it is shown for as long as it takes"),
    };
    drop(timeout(CLOSING, manager.close()).await);
    Err(interrupted)
}

async fn asked(lock: &AsyncLock, options: &Run) -> Result<AsyncLockGuard, Error> {
    match options.wait {
        Some(Duration::ZERO) => at_once(lock).await,
        _ if options.no_wait => at_once(lock).await,
        Some(limit) => lock.acquire_timeout(limit).await,
        None => lock.acquire().await,
    }
}

async fn at_once(lock: &AsyncLock) -> Result<AsyncLockGuard, Error> {
    lock.try_acquire().await?.ok_or(Error::Timeout { waited: Duration::ZERO, holder: None })
}

fn failure(error: Error, options: &Run) -> Failure {
    match error {
        Error::Timeout { holder, .. } => {
            let by = holder.map_or_else(|| "another".to_owned(), |holder| plain(&holder.to_string()));
            Failure::conflict(options.conflict_exit_code, format!("{} is held by {by}", plain(&options.name)))
        }
        error => error.into(),
    }
}
