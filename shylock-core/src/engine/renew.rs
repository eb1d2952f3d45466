//! What to do about a held lease now. Pure.

use std::time::Duration;

use crate::LossReason;

/// The terms under which a lease is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The length of the lease.
    pub ttl: Duration,
    /// How long before its end the lease counts as lost.
    pub margin: Duration,
    /// Whether it is renewed without being asked to.
    pub renews: bool,
    /// How long the lock may be held in all.
    pub max_hold: Option<Duration>,
    /// How long one renewal may take before it is sent again.
    pub call_limit: Duration,
}

/// What is known of a held lease, as time spans up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Since the request was sent whose answer last confirmed the lease.
    pub confirmed: Duration,
    /// Since the lock was acquired.
    pub held: Duration,
    /// The renewal that was sent after that and has not been confirmed.
    pub trying: Option<Trying>,
}

/// A renewal that is under way or has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trying {
    /// Since it was sent.
    pub sent: Duration,
    /// How many have failed in a row; this one not, while it is under way.
    pub failures: u32,
    /// Whether it may still be answered.
    pub under_way: bool,
    /// How long the store asked to be left alone, when it failed.
    pub wish: Duration,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing for so long.
    Wait(Duration),
    /// Send a renewal, then look again.
    Renew,
    /// Tell the holder that it is over.
    Lose(LossReason),
}

impl Terms {
    /// How long the holder may still act, or why not.
    ///
    /// # Errors
    /// Why it may not.
    pub fn valid_for(&self, confirmed: Duration, held: Duration) -> Result<Duration, LossReason> {
        let by_lease = (self.ttl - self.margin).saturating_sub(confirmed);
        let by_hold = self.max_hold.map_or(Duration::MAX, |max| max.saturating_sub(held));
        match by_lease.min(by_hold) {
            Duration::ZERO if by_hold.is_zero() => Err(LossReason::MaxHold),
            Duration::ZERO => Err(LossReason::Expired),
            left => Ok(left),
        }
    }

    /// What to do now. `eager`: a request goes out in any case, so that whoever would renew soon may as well join in.
    #[must_use]
    pub fn decide(&self, view: &View, eager: bool) -> Step {
        let left = match self.valid_for(view.confirmed, view.held) {
            Ok(left) => left,
            Err(reason) => return Step::Lose(reason),
        };
        if !self.renews || self.ends_within_this_lease(view) {
            return Step::Wait(left);
        }
        let due_in = match view.trying {
            None => (self.ttl / 3).saturating_sub(view.confirmed),
            Some(Trying { sent, under_way: true, .. }) => self.call_limit.saturating_sub(sent),
            Some(Trying { sent, failures, wish, .. }) => {
                self.pause_after(failures).max(wish.min(left / 2)).saturating_sub(sent)
            }
        };
        let soon = if eager && view.trying.is_none() { self.soon() } else { Duration::ZERO };
        if due_in <= soon { Step::Renew } else { Step::Wait(due_in.min(left)) }
    }

    /// How much earlier than due a lease is renewed along with others.
    #[must_use]
    pub fn soon(&self) -> Duration {
        self.ttl / 15
    }

    /// A renewal would only keep others out after `max_hold` has ended this holder's turn.
    fn ends_within_this_lease(&self, view: &View) -> bool {
        self.max_hold
            .is_some_and(|max| view.confirmed.saturating_add(max.saturating_sub(view.held)) <= self.ttl - self.margin)
    }

    /// A failed renewal is repeated quickly at first: a lease has time for a dozen.
    fn pause_after(&self, failures: u32) -> Duration {
        let pause = self.ttl / 60 * 2_u32.saturating_pow(failures.saturating_sub(1));
        pause.min(self.ttl / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    const TERMS: Terms = Terms { ttl: s(30), margin: s(2), renews: true, max_hold: None, call_limit: s(5) };

    fn decide(view: &View) -> Step {
        TERMS.decide(view, false)
    }

    fn view(confirmed: u64) -> View {
        View { confirmed: s(confirmed), held: s(confirmed), trying: None }
    }

    fn trying(confirmed: u64, sent: u64, failures: u32, under_way: bool) -> View {
        View { trying: Some(Trying { sent: s(sent), failures, under_way, wish: s(0) }), ..view(confirmed) }
    }

    #[test]
    fn renews_at_a_third_of_the_ttl() {
        assert_eq!(decide(&view(0)), Step::Wait(s(10)));
        assert_eq!(decide(&view(9)), Step::Wait(s(1)));
        assert_eq!(decide(&view(10)), Step::Renew);
    }

    #[test]
    fn joins_a_request_that_goes_out_shortly_before() {
        assert_eq!(TERMS.decide(&view(7), true), Step::Wait(s(3)));
        assert_eq!(TERMS.decide(&view(8), true), Step::Renew);
        assert_eq!(TERMS.decide(&trying(11, 4, 0, true), true), Step::Wait(s(1)), "its own is under way");
    }

    #[test]
    fn one_failure_is_no_loss_the_deadline_is() {
        assert_eq!(decide(&trying(20, 3, 4, false)), Step::Renew);
        assert_eq!(decide(&trying(27, 0, 4, false)), Step::Wait(s(1)));
        assert_eq!(decide(&trying(28, 0, 4, false)), Step::Lose(LossReason::Expired));
        assert_eq!(decide(&trying(28, 0, 0, true)), Step::Lose(LossReason::Expired));
    }

    #[test]
    fn a_renewal_without_an_answer_is_sent_again() {
        assert_eq!(decide(&trying(11, 1, 0, true)), Step::Wait(s(4)));
        assert_eq!(decide(&trying(15, 5, 0, true)), Step::Renew);
    }

    #[test]
    fn pauses_between_failures_grow_and_stay_short() {
        let pauses: Vec<_> = (1..7).map(|failures| TERMS.pause_after(failures)).collect();
        assert_eq!(pauses, [s(1) / 2, s(1), s(2), s(3), s(3), s(3)]);
    }

    #[test]
    fn a_store_that_asks_for_patience_gets_some() {
        let asked = |confirmed, wish| {
            let trying = Trying { sent: s(1), failures: 1, under_way: false, wish: s(wish) };
            decide(&View { trying: Some(trying), ..view(confirmed) })
        };
        assert_eq!(asked(11, 5), Step::Wait(s(4)));
        assert_eq!(asked(11, 1), Step::Renew);
        assert_eq!(asked(20, 60), Step::Wait(s(3)), "not longer than half of what is left");
    }

    #[test]
    fn without_renewal_it_only_ends() {
        let terms = Terms { renews: false, ..TERMS };
        assert_eq!(terms.decide(&view(10), false), Step::Wait(s(18)));
        assert_eq!(terms.decide(&view(28), false), Step::Lose(LossReason::Expired));
    }

    #[test]
    fn max_hold_ends_it_and_stops_renewal_before() {
        let terms = Terms { max_hold: Some(s(40)), ..TERMS };
        let at = |confirmed, held| terms.decide(&View { confirmed: s(confirmed), held: s(held), trying: None }, false);
        assert_eq!(at(10, 10), Step::Renew);
        assert_eq!(at(10, 22), Step::Wait(s(18)), "this lease lasts beyond the 40 s");
        assert_eq!(at(10, 40), Step::Lose(LossReason::MaxHold));
        let for_ever = Terms { max_hold: Some(Duration::MAX), ..TERMS };
        assert_eq!(for_ever.decide(&view(10), false), Step::Renew);
    }
}
