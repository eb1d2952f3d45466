//! The end: the lock is given back, now or when `--at-least` is over, and the command's status becomes ours.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, Error, MAX_TTL, MIN_TTL};
use tokio::time::timeout;

use super::{
    ladder::{Cause, Stop},
    signals::Signals,
    supervise::Ended,
};
use crate::{
    arguments::Run,
    failure::{self, Failure},
    output::{plain, report},
};

/// How long the end waits, at most, for a store that does not confirm it.
const CONFIRMATION: Duration = Duration::from_secs(60);

/// How long it waits after a signal.
const GRACE: Duration = Duration::from_secs(1);

/// What can be known to be wrong before anything is done.
pub(super) fn check(options: &Run) -> Result<(), Failure> {
    match options.at_least {
        Some(least) if least > MAX_TTL => Err(Failure::usage("--at-least can be 24 hours at most")),
        _ => Ok(()),
    }
}

/// How the lock was given back.
enum Given {
    Back,
    /// Others may have been in before.
    Lost,
    Unconfirmed,
}

/// The exit status.
pub(super) async fn finish(
    ended: Result<Ended, Failure>,
    guard: AsyncLockGuard,
    options: &Run,
    acquired: Instant,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let name = plain(&options.name);
    // Where nothing was done, nothing has to be kept.
    let least = if ended.is_ok() { options.at_least.unwrap_or_default() } else { Duration::ZERO };
    let rest = least.saturating_sub(acquired.elapsed());
    let given = give_back(guard, rest, options, signals).await;
    let Ended { status, stopped, .. } = ended?;
    Ok(match (stopped, given) {
        (Some(Stop { cause: Cause::TooLong, .. }), _) => {
            report("the command was told to end, as it ran for longer than --at-most");
            failure::TOO_LONG
        }
        (Some(Stop { cause: Cause::Lost, .. }), _) => {
            report(&format!("the command was told to end, as {name} was lost or about to be"));
            failure::LOST
        }
        (None, Given::Lost) => {
            report(&format!("{name} was lost before the command had ended: another may have been at it"));
            failure::LOST
        }
        (None, Given::Unconfirmed) if !rest.is_zero() && status.success() => failure::UNAVAILABLE,
        (None, _) => code(status),
    })
}

/// A signal ends the waiting for the store: the command has ended, so there is nobody to pass it on to.
async fn give_back(guard: AsyncLockGuard, rest: Duration, options: &Run, signals: &mut Signals) -> Given {
    let manager = guard.manager();
    if rest < MIN_TTL {
        tokio::time::sleep(rest).await;
    }
    let confirmed = async {
        let outcome = if rest >= MIN_TTL { guard.release_after(rest).await } else { guard.release().await };
        if let Err(Error::Backend { .. }) = outcome {
            // It is repeated until the store knows, or until the lease has ended.
            drop(timeout(options.ttl.min(CONFIRMATION), manager.close()).await);
        }
        outcome
    };
    tokio::pin!(confirmed);
    let (outcome, signal) = tokio::select! {
        biased;
        outcome = &mut confirmed => (Some(outcome), None),
        signal = signals.next_request() => (timeout(GRACE, confirmed).await.ok(), Some(signal)),
    };
    let why = match (outcome, signal) {
        (Some(Ok(())), _) => {
            drop(timeout(GRACE, manager.close()).await);
            return Given::Back;
        }
        (Some(Err(Error::Lost { .. })), _) => return Given::Lost,
        (Some(Err(error)), _) => failure::chain(&error),
        (None, signal) => signal.map(|signal| format!("{signal} ended the waiting for it")).unwrap_or_default(),
    };
    let name = plain(&options.name);
    report(&format!("the store has not confirmed in time what becomes of {name}: {why}"));
    if rest.is_zero() {
        report("hint: if it was not released, it comes free by itself when its lease ends; `shylock show` tells");
    } else {
        report("hint: it may come free before --at-least is over; `shylock show` tells");
    }
    Given::Unconfirmed
}

/// As shells report it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
