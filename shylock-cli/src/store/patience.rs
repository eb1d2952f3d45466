//! How long a store is tried that fails, but may not the next time.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use crate::failure::Failure;

/// The first pause; each is twice as long as the one before.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Repeats what fails with a passing failure until `limit` is over.
///
/// # Cancel safety
/// Cancel safe if each try is.
pub(super) async fn repeat<T, F>(limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let end = Instant::now() + limit;
    let mut pause = FIRST;
    let mut last = None;
    loop {
        let failure = match timeout_at(end, attempt()).await {
            Ok(Err(failure)) if failure.is_passing() => failure,
            Ok(outcome) => return outcome,
            Err(_) => return Err(last.unwrap_or_else(|| Failure::unanswered(limit))),
        };
        if Instant::now() + pause >= end {
            return Err(failure);
        }
        tracing::debug!(failure = failure.message(), ?pause, "store not opened, trying again");
        last = Some(failure);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use shylock_core::Error;

    use super::*;

    fn failure(retryable: bool) -> Failure {
        Error::Backend { retryable, source: "no primary".into() }.into()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_until_it_passes() {
        let tries = Cell::new(0);
        let outcome = repeat(Duration::from_secs(60), || {
            tries.set(tries.get() + 1);
            let result = if tries.get() < 20 { Err(failure(true)) } else { Ok(tries.get()) };
            std::future::ready(result)
        });
        assert_eq!(outcome.await.ok(), Some(20));
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_kept_and_the_last_failure_reported() {
        for limit in [Duration::from_millis(10), Duration::from_secs(5)] {
            let since = Instant::now();
            let outcome = repeat(limit, || std::future::ready(Err::<(), _>(failure(true)))).await;
            assert!(outcome.expect_err("it never passes").message().contains("no primary"));
            assert!(since.elapsed() <= limit, "{:?}", since.elapsed());
        }
        let since = Instant::now();
        let outcome = repeat(Duration::from_secs(2), std::future::pending::<Result<(), _>>).await;
        assert!(outcome.expect_err("no answer").message().contains("2s"));
        assert_eq!(since.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_reported_at_once() {
        let since = Instant::now();
        assert!(repeat(Duration::from_secs(5), || std::future::ready(Err::<(), _>(failure(false)))).await.is_err());
        assert!(since.elapsed().is_zero());
    }
}
