//! How a blocking call waits for the async one that it stands for: never for ever, if nobody works on it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLock, BackendError, Error, LockManager, Result};

use crate::runtime::{self, Call, Outcome};

/// After so long without an answer, the runtime of the manager is asked for a sign of life, which gets as long again.
const SILENCE: Duration = Duration::from_millis(2500);
/// A call with a time limit is answered by a timer of the manager's runtime, which may be so late.
const LATENESS: Duration = Duration::from_millis(40);
/// When the time is up, a sign of life that is missing for so long says that the runtime does not run. Before, it may
/// be a busy machine.
const NO_LIFE: Duration = Duration::from_secs(1);

/// How long a call may take.
#[derive(Debug, Clone)]
pub(crate) enum Limit {
    /// As long as it takes, while somebody works on it.
    None,
    /// Until this lock was held by others for so long.
    Lock(AsyncLock, Duration),
    /// As long as a call that waits for no lock. The manager counts that from when its request is sent; here it counts only
    /// where the runtime of the manager gives no sign of life.
    Call,
}

/// Waits for the answer to a call on this manager.
pub(crate) fn wait<T: Send + 'static>(
    manager: &LockManager,
    limit: Limit,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    if runtime::is_own_thread() {
        return Err(Error::Stalled);
    }
    // No runtime is started for a call that can only fail.
    if !runtime::is_running() && manager.has_stopped() {
        return Err(Error::Stopped);
    }
    let time = match limit {
        Limit::None => Duration::MAX,
        Limit::Lock(_, time) => time,
        Limit::Call => manager.call_timeout(),
    };
    let mut deadline = time.saturating_add(LATENESS);
    let since = Instant::now();
    let call = runtime::call(work).map_err(|error| BackendError::not_applied(error, None))?;
    let (mut asked, mut sign): (Duration, Option<Call<Result<()>>>) = (Duration::ZERO, None);
    loop {
        let next = asked + SILENCE.min(time / 2);
        let until = if sign.is_some() { asked + SILENCE } else { next }.min(deadline);
        match call.within(until.saturating_sub(since.elapsed())) {
            Outcome::Answer(answer) => return answer,
            Outcome::Gone => return Err(Error::Stopped),
            Outcome::NotYet => {}
        }
        let now = since.elapsed();
        let alive = sign.as_ref().map(|sign| !matches!(sign.within(Duration::ZERO), Outcome::NotYet));
        let missing_for = if alive == Some(false) { now - asked } else { Duration::ZERO };
        if now >= deadline {
            match &limit {
                Limit::Call if alive == Some(true) => deadline = now.saturating_add(time),
                _ if missing_for >= NO_LIFE => return Err(Error::Stalled),
                Limit::Lock(lock, waited) => {
                    return Err(Error::Timeout { waited: *waited, holder: lock.last_known_holder() });
                }
                Limit::None | Limit::Call => return Err(no_answer(time)),
            }
        }
        if missing_for >= SILENCE {
            return Err(Error::Stalled);
        }
        if alive != Some(false) && now >= next {
            let manager = manager.clone();
            (asked, sign) = (now, runtime::call(async move { manager.pulse().await }).ok());
        }
    }
}

fn no_answer(time: Duration) -> Error {
    BackendError::ambiguous(format!("no answer within {time:?}")).into()
}
