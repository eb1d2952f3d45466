//! How a blocking call waits for the async one that it stands for: never for ever, if nobody works on it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use shylock_core::{Error, LockManager, Result};

use crate::runtime::{self, Outcome};

/// After so long without an answer, the runtime of the manager is asked for a sign of life, which gets as long again:
/// together no longer than a call that waits for no lock may take.
const SILENCE: Duration = Duration::from_millis(2500);
/// The answer to a call with a time limit comes from a timer of the manager's runtime. If it is later than this, that
/// runtime does not run.
const LATENESS: Duration = Duration::from_millis(40);

/// Waits for the answer to a call on this manager.
pub(crate) fn wait<T: Send + 'static>(
    manager: impl Fn() -> Result<LockManager>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    wait_for(Duration::MAX, manager, work)
}

/// Like [`wait`], for a call that ends by itself after `limit`.
pub(crate) fn wait_for<T: Send + 'static>(
    limit: Duration,
    manager: impl Fn() -> Result<LockManager>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    if runtime::is_own_thread() {
        return Err(Error::Stalled);
    }
    let (since, limit) = (Instant::now(), limit.saturating_add(LATENESS));
    let call = runtime::call(work);
    loop {
        let left = limit.saturating_sub(since.elapsed());
        match call.within(left.min(SILENCE)) {
            Outcome::Answer(answer) => return answer,
            Outcome::Gone => return Err(Error::Stopped),
            Outcome::NotYet if left <= SILENCE => return Err(Error::Stalled),
            Outcome::NotYet => check(manager()?)?,
        }
    }
}

fn check(manager: LockManager) -> Result<()> {
    match runtime::call(async move { manager.pulse().await }).within(SILENCE) {
        Outcome::Answer(alive) => alive,
        Outcome::NotYet => Err(Error::Stalled),
        Outcome::Gone => Err(Error::Stopped),
    }
}
