//! How a blocking call waits for the async one that it stands for: never for ever, if nobody works on it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use shylock_core::{BackendError, Error, LockManager, Result};

use crate::runtime::{self, Call, Outcome};

/// After so long without an answer, the runtime of the manager is asked for a sign of life, which gets as long again.
const SILENCE: Duration = Duration::from_millis(2500);
/// A call with a time limit is answered by a timer of the manager's runtime, which may be so late.
const LATENESS: Duration = Duration::from_millis(40);
/// When the time is up, a sign of life that is missing for so long says that the runtime does not run. Before, it may
/// be a busy machine.
const NO_LIFE: Duration = Duration::from_secs(1);

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// As long as it takes, while somebody works on it.
    None,
    /// Until the lock was held by others for so long.
    Lock(Duration),
    /// As long as a call that waits for no lock.
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
    let (time, late) = match limit {
        Limit::None => (Duration::MAX, Error::Stalled),
        Limit::Lock(time) => (time, Error::Timeout { waited: time, holder: None }),
        Limit::Call => (manager.call_timeout(), no_answer(manager.call_timeout())),
    };
    let since = Instant::now();
    let call = runtime::call(work).map_err(|error| BackendError::not_applied(error, None))?;
    let (mut asked, mut sign): (Duration, Option<Call<Result<()>>>) = (Duration::ZERO, None);
    loop {
        let next = asked + SILENCE.min(time / 2);
        let until = if sign.is_some() { asked + SILENCE } else { next }.min(time.saturating_add(LATENESS));
        match call.within(until.saturating_sub(since.elapsed())) {
            Outcome::Answer(answer) => return answer,
            Outcome::Gone => return Err(Error::Stopped),
            Outcome::NotYet => {}
        }
        let now = since.elapsed();
        let alive = sign.as_ref().map(|sign| !matches!(sign.within(Duration::ZERO), Outcome::NotYet));
        let missing_for = if alive == Some(false) { now - asked } else { Duration::ZERO };
        if now >= time.saturating_add(LATENESS) {
            return Err(if missing_for >= NO_LIFE { Error::Stalled } else { late });
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
