//! How long to wait before the next attempt. Pure: no clock, no randomness of its own.

use std::time::Duration;

use crate::FencingToken;

/// A store that asks to be left alone for longer is mistaken.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// The pause after a failed call, unless the store names another.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// The pause of those who are told when the lock comes free: no notice that is lost costs more.
const WHEN_TOLD: Duration = Duration::from_secs(5);
/// The end of a lease is told in whole milliseconds; ask a little later.
const ROUNDING: Duration = Duration::from_millis(2);

/// What the store told of the lock since the last look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notices {
    /// It does not tell.
    None,
    /// It would have told if the lock had come free; if the lock has moved all the same, it may have failed to.
    Silent,
    Told,
}

/// The pace of one waiter's attempts.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    first: Duration,
    most: Duration,
    held: Duration,
    failed: Duration,
    seen: Option<FencingToken>,
}

impl Pace {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, held: first, failed: AFTER_FAILURE, seen: None }
    }

    /// The pause after another was found to hold the lock. It doubles while that is the same holder, and starts
    /// again when the lock has moved: then others get in, and it is worth looking often. It never goes beyond the
    /// moment at which the lease can be taken over. `random` lies in 0..1.
    pub(crate) fn after_held(
        &mut self,
        token: FencingToken,
        takeover_in: Duration,
        notices: Notices,
        random: f64,
    ) -> Duration {
        self.failed = AFTER_FAILURE;
        let last = self.seen.replace(token);
        if last != Some(token) {
            self.held = self.first;
        }
        let missed = notices == Notices::Silent && last.is_some_and(|last| last != token);
        let pause = if notices == Notices::None || missed {
            let pause = self.held;
            self.held = self.held.saturating_mul(2).min(self.most);
            pause
        } else {
            self.held = self.first;
            self.when_told()
        };
        jittered(pause, random).min(takeover_in.saturating_add(ROUNDING))
    }

    fn when_told(&self) -> Duration {
        WHEN_TOLD.max(self.most)
    }

    /// The pause after a call that failed: it doubles up to the longest one, and is at least what the store asked.
    pub(crate) fn after_failure(&mut self, retry_after: Option<Duration>, random: f64) -> Duration {
        let pause = jittered(self.failed, random);
        self.failed = self.failed.saturating_mul(2).min(self.most.max(AFTER_FAILURE));
        pause.max(retry_after.unwrap_or_default().min(LONGEST))
    }
}

/// The pause while this process itself has a lease that is good for so long.
pub(crate) fn pause_while_held_here(left: Duration, random: f64) -> Duration {
    jittered(WHEN_TOLD, random).min(left)
}

/// Between half of it and the whole, so that many waiters do not ask at once.
fn jittered(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn token(value: u64) -> FencingToken {
        FencingToken::new(value).expect("valid")
    }

    #[test]
    fn pauses_double_while_the_holder_stays_and_restart_when_the_lock_moves() {
        let mut pace = Pace::new(ms(25), ms(100));
        let long = Duration::from_secs(9);
        let pauses: Vec<_> = (0..4).map(|_| pace.after_held(token(1), long, Notices::None, 1.0)).collect();
        assert_eq!(pauses, [ms(25), ms(50), ms(100), ms(100)]);
        assert_eq!(pace.after_held(token(2), long, Notices::None, 1.0), ms(25));
    }

    #[test]
    fn jitter_takes_away_at_most_half() {
        let mut pace = Pace::new(ms(100), ms(100));
        let long = Duration::from_secs(9);
        assert_eq!(pace.after_held(token(1), long, Notices::None, 0.0), ms(50));
        assert_eq!(pace.after_held(token(1), long, Notices::None, 0.5), ms(75));
    }

    #[test]
    fn the_end_of_the_lease_comes_before_the_pace() {
        let mut pace = Pace::new(ms(25), ms(100));
        assert_eq!(pace.after_held(token(1), ms(3), Notices::None, 1.0), ms(5));
        assert_eq!(pace.after_held(token(1), Duration::ZERO, Notices::None, 1.0), ROUNDING);
    }

    #[test]
    fn who_is_told_looks_now_and_then_and_quickly_once_it_is_told_no_more() {
        let mut pace = Pace::new(ms(25), ms(100));
        let long = Duration::from_secs(90);
        let mut pause = |notices| pace.after_held(token(1), long, notices, 1.0);
        assert_eq!([pause(Notices::None), pause(Notices::None)], [ms(25), ms(50)]);
        assert_eq!([pause(Notices::Silent), pause(Notices::Told)], [ms(5000); 2]);
        assert_eq!([pause(Notices::None), pause(Notices::None)], [ms(25), ms(50)]);
        assert_eq!(
            pace.after_held(token(1), ms(70), Notices::Silent, 1.0),
            ms(72),
            "at the end of the lease at the latest"
        );
    }

    #[test]
    fn who_was_not_told_that_the_lock_moved_looks_quickly_until_it_stands_still_or_there_is_a_notice() {
        let mut pace = Pace::new(ms(25), ms(100));
        let long = Duration::from_secs(90);
        let mut pause = |number, notices| pace.after_held(token(number), long, notices, 1.0);
        assert_eq!([pause(1, Notices::Silent), pause(1, Notices::Silent)], [ms(5000); 2]);
        assert_eq!([pause(2, Notices::Silent), pause(3, Notices::Silent)], [ms(25); 2]);
        assert_eq!(pause(3, Notices::Silent), ms(5000));
        assert_eq!(pause(4, Notices::Silent), ms(25));
        assert_eq!(pause(5, Notices::Told), ms(5000));
    }

    #[test]
    fn a_lease_of_ones_own_process_is_asked_after_when_it_ends() {
        assert_eq!(pause_while_held_here(ms(700), 1.0), ms(700));
        assert_eq!(pause_while_held_here(ms(70_000), 0.0), ms(2500));
    }

    #[test]
    fn a_store_that_asks_for_patience_gets_it() {
        let mut pace = Pace::new(ms(25), ms(1000));
        assert_eq!(pace.after_failure(Some(ms(700)), 1.0), ms(700));
        assert_eq!(pace.after_failure(None, 1.0), ms(200));
        assert_eq!(pace.after_failure(Some(ms(1)), 1.0), ms(400));
        assert_eq!(pace.after_failure(Some(Duration::MAX), 1.0), LONGEST);
    }
}
