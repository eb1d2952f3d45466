//! [`Health`]: when the store last answered this process, and how long its answers take. A request that got no answer says
//! nothing of the store while others are answered.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{self, Instant};

/// What an answer takes at least, for all that is known here.
const LEAST_USUAL: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    answered: Option<Instant>,
    usual: Duration,
}

impl Health {
    /// The store has answered a request after this time, whatever its answer was.
    pub(crate) fn answered(&self, after: Duration) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        state.usual = usual(state.usual, after);
    }

    /// Whether the store has answered anything since then.
    pub(crate) fn has_answered_since(&self, then: Instant) -> bool {
        self.state().answered.is_some_and(|answered| answered > then)
    }

    /// How long the slowest of the recent answers took.
    pub(crate) fn usual(&self) -> Duration {
        self.state().usual.max(LEAST_USUAL)
    }

    /// Resolves when the store has answered nothing for this time, counted from `since` at the earliest.
    pub(crate) async fn silence(&self, since: Instant, limit: Duration) {
        loop {
            let answered = self.state().answered;
            let Some(until) = answered.map_or(since, |answered| answered.max(since)).checked_add(limit) else {
                return std::future::pending().await;
            };
            if until <= Instant::now() {
                return;
            }
            time::sleep_until(until).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows a slow answer at once, and forgets it over a few dozen quick ones.
fn usual(usual: Duration, answer: Duration) -> Duration {
    if answer >= usual { answer } else { usual - (usual - answer) / 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_slow_answer_counts_at_once_and_is_forgotten_by_and_by() {
        let mut now = usual(ms(2), ms(400));
        assert_eq!(now, ms(400));
        for _ in 0..40 {
            now = usual(now, ms(2));
        }
        assert!(now < ms(10), "{now:?}");
        assert_eq!(Health::default().usual(), LEAST_USUAL);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_begins_with_the_last_answer() {
        let health = Health::default();
        let since = Instant::now();
        health.silence(since, ms(300)).await;
        assert_eq!(since.elapsed(), ms(300));
        health.answered(ms(1));
        assert!(health.has_answered_since(since));
        let (silence, answer) = tokio::join!(
            async {
                health.silence(since, ms(300)).await;
                since.elapsed()
            },
            async {
                time::sleep(ms(200)).await;
                health.answered(ms(1));
            }
        );
        assert_eq!((silence, answer), (ms(800), ()));
        assert!(!health.has_answered_since(Instant::now()));
    }
}
