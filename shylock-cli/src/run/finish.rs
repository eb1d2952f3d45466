//! The end: the lock is given back, now or when `--at-least` is over, and the command's status becomes ours.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, Error, MAX_TTL, MIN_TTL};

use super::{
    ladder::{Cause, Stop},
    supervise::Ended,
};
use crate::{
    arguments::Run,
    failure::{self, Failure},
    output::plain,
};

/// What can be known to be wrong before anything is done.
pub(super) fn check(options: &Run) -> Result<(), Failure> {
    match options.at_least {
        Some(least) if least > MAX_TTL => Err(Failure::usage("--at-least can be 24 hours at most")),
        _ => Ok(()),
    }
}

/// The exit status.
pub(super) async fn finish(
    ended: Result<Ended, Failure>,
    guard: AsyncLockGuard,
    options: &Run,
    acquired: Instant,
) -> Result<u8, Failure> {
    let name = plain(&options.name);
    // Nothing was done that would have to be kept apart from another's doing.
    let least = if ended.is_ok() { options.at_least.unwrap_or_default() } else { Duration::ZERO };
    let was_lost = match give_back(guard, least.saturating_sub(acquired.elapsed())).await {
        Ok(()) => false,
        Err(Error::Lost { .. }) => true,
        Err(error) => {
            eprintln!("shylock: {name} could not be released: {}", failure::chain(&error));
            eprintln!("hint: it comes free by itself within {}", humantime::format_duration(options.ttl));
            false
        }
    };
    let Ended { status, stopped } = ended?;
    Ok(match stopped {
        Some(Stop { cause: Cause::TooLong, .. }) => {
            eprintln!("shylock: the command was stopped, as it ran for longer than --at-most");
            failure::TOO_LONG
        }
        Some(Stop { cause: Cause::Lost, .. }) => {
            eprintln!("shylock: the command was stopped, as {name} was lost or about to be");
            failure::LOST
        }
        None if was_lost => {
            eprintln!("shylock: {name} was lost before the command had ended: another may have been at it");
            failure::LOST
        }
        None => code(status),
    })
}

async fn give_back(guard: AsyncLockGuard, rest: Duration) -> Result<(), Error> {
    if rest >= MIN_TTL {
        return guard.release_after(rest).await;
    }
    tokio::time::sleep(rest).await;
    guard.release().await
}

/// As shells tell it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
