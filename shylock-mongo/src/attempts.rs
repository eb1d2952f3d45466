//! [`until_answered`]: a request that is repeated while its failures pass.

use std::{future::Future, time::Duration};

use shylock_core::{BackendError, Failure};
use tokio::time::{Instant, sleep};

use crate::{mongo_error::MongoError, runtime::within};

/// The first pause between two attempts, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// How much longer than the limit an attempt may take: the driver looks for a server for as long, and then says why it
/// found none.
const GRACE: Duration = Duration::from_millis(400);

/// Asks until there is an answer, or until this time is over: a member that has just stepped down, or sheds load, is no
/// reason to give up.
pub(crate) async fn until_answered<T, F>(limit: Duration, ask: impl Fn() -> F) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let end = Instant::now() + limit;
    let mut pause = PAUSES.0;
    loop {
        // Each attempt has all of the time, so that one that began late still finds out what is wrong.
        let answer = within(limit + GRACE, ask()).await?.unwrap_or_else(|| Err(no_answer(limit)));
        let Err(error) = answer else { return answer };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || !matches!(error.failure(), Failure::NotApplied | Failure::Ambiguous) {
            return Err(error);
        }
        // The last attempt is at the end.
        sleep(error.retry_after().unwrap_or_default().max(pause).min(left)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn no_answer(limit: Duration) -> BackendError {
    BackendError::ambiguous(MongoError::new(format!("the server did not answer within {limit:?}")))
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn failures_that_pass_are_repeated_within_the_limit_and_no_longer() {
        let asked = AtomicU32::new(0);
        let since = Instant::now();
        let answered = until_answered(LIMIT, || {
            ready(match asked.fetch_add(1, Ordering::Relaxed) {
                0 => Err(BackendError::not_applied("a step-down", None)),
                1 => Err(BackendError::not_applied("a rate limit", Some(Duration::from_secs(1)))),
                2 => Err(BackendError::ambiguous("cut off")),
                _ => Ok(7),
            })
        });
        assert_eq!(answered.await.expect("in the end"), 7);
        assert!(since.elapsed() >= Duration::from_secs(1), "the server asked for a pause");

        let (asked, since) = (AtomicU32::new(0), Instant::now());
        let failed = until_answered(LIMIT, || {
            asked.fetch_add(1, Ordering::Relaxed);
            ready(Err::<(), _>(BackendError::not_applied("always", None)))
        });
        failed.await.expect_err("it never passes");
        assert_eq!(since.elapsed(), LIMIT);
        assert!(asked.into_inner() > 5);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_are_final_and_silence_ends_with_the_limit() {
        let asked = AtomicU32::new(0);
        let refused = until_answered(LIMIT, || {
            asked.fetch_add(1, Ordering::Relaxed);
            ready(Err::<(), _>(BackendError::permanent("no")))
        });
        refused.await.expect_err("refused");
        assert_eq!(asked.into_inner(), 1);
        let since = Instant::now();
        let silent = until_answered(LIMIT, pending::<Result<(), BackendError>>).await;
        assert_eq!(*silent.expect_err("silence").failure(), Failure::Ambiguous);
        assert_eq!(since.elapsed(), LIMIT + GRACE);
    }
}
