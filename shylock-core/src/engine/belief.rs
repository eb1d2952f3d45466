//! [`Belief`]: what a holder knows of its lease. Pure: `age` says how long ago a reading of the client's clock was.

use std::time::Duration;

use super::renew::{Step, Terms, Trying, View};
use crate::LossReason;

/// What is known of a lease that was granted. Once lost, it is lost for good. `M` is a reading of the client's clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Belief<M> {
    acquired: M,
    /// When the request was sent whose answer last confirmed the lease.
    confirmed: M,
    trying: Option<Try<M>>,
    loss: Option<LossReason>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Try<M> {
    sent: M,
    failures: u32,
    under_way: bool,
    wish: Duration,
}

impl<M: Copy> Belief<M> {
    /// A lease that was granted by a request first sent at `sent`, and whose answer came at `acquired`.
    pub const fn new(sent: M, acquired: M) -> Self {
        Self { acquired, confirmed: sent, trying: None, loss: None }
    }

    /// How long the holder may still act.
    ///
    /// # Errors
    /// Why it may not, now and for ever.
    pub fn valid_for(&mut self, terms: &Terms, age: impl Fn(M) -> Duration) -> Result<Duration, LossReason> {
        if let Some(reason) = self.loss {
            return Err(reason);
        }
        let verdict = terms.valid_for(age(self.confirmed), age(self.acquired));
        self.loss = verdict.err();
        verdict
    }

    /// What is to be done now; a loss is done with that. `eager`: see [`Terms::decide`].
    pub fn step(&mut self, terms: &Terms, age: impl Fn(M) -> Duration, eager: bool) -> Step {
        if let Some(reason) = self.loss {
            return Step::Lose(reason);
        }
        let trying =
            |t: &Try<M>| Trying { sent: age(t.sent), failures: t.failures, under_way: t.under_way, wish: t.wish };
        let view =
            View { confirmed: age(self.confirmed), held: age(self.acquired), trying: self.trying.as_ref().map(trying) };
        let step = terms.decide(&view, eager);
        if let Step::Lose(reason) = step {
            self.lose(reason);
        }
        step
    }

    /// Whether it is time for a renewal that somebody may keep waiting.
    pub fn is_due(&self, terms: &Terms, age: impl Fn(M) -> Duration) -> bool {
        terms.renews && age(self.confirmed) >= terms.ttl / 3
    }

    /// Notes that a renewal is sent now.
    pub fn sending(&mut self, now: M) {
        let failures = self.trying.as_ref().map_or(0, |t| t.failures + u32::from(t.under_way));
        self.trying = Some(Try { sent: now, failures, under_way: true, wish: Duration::ZERO });
    }

    /// The store has confirmed a request that was sent at `sent`. Too late is too late: nothing revives a lease
    /// whose holder was, or could have been, told that it is lost.
    ///
    /// # Errors
    /// Why it was too late.
    pub fn confirm(&mut self, sent: M, terms: &Terms, age: impl Fn(M) -> Duration) -> Result<(), LossReason> {
        self.valid_for(terms, &age)?;
        if age(sent) < age(self.confirmed) {
            self.confirmed = sent;
            self.trying = None;
        }
        Ok(())
    }

    /// The renewal under way has failed, and the store wants to be left alone for so long.
    pub fn renewal_failed(&mut self, wish: Duration) {
        if let Some(t) = self.trying.as_mut().filter(|t| t.under_way) {
            t.failures += 1;
            t.under_way = false;
            t.wish = wish;
        }
    }

    /// It is over. The first reason stays.
    pub fn lose(&mut self, reason: LossReason) {
        self.loss.get_or_insert(reason);
    }

    /// When it was acquired.
    #[must_use]
    pub const fn acquired(&self) -> M {
        self.acquired
    }

    /// When the request was sent whose answer last confirmed it.
    #[must_use]
    pub const fn confirmed(&self) -> M {
        self.confirmed
    }

    /// Why it is over, if anybody has found out.
    #[must_use]
    pub const fn loss(&self) -> Option<LossReason> {
        self.loss
    }

    /// Whether the lease will have ended on the server by itself within this time.
    pub fn ends_within(&self, pause: Duration, terms: &Terms, age: impl Fn(M) -> Duration) -> bool {
        age(self.confirmed) + pause >= terms.ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    const TERMS: Terms = Terms { ttl: s(30), margin: s(2), renews: true, max_hold: None, call_limit: s(5) };

    /// A clock that reads `now`.
    fn at(now: u64) -> impl Fn(u64) -> Duration {
        move |then| s(now - then)
    }

    #[test]
    fn a_confirmation_counts_from_its_sending_and_never_back() {
        let mut belief = Belief::new(0, 1);
        assert_eq!(belief.confirm(10, &TERMS, at(20)), Ok(()));
        assert_eq!(belief.valid_for(&TERMS, at(20)), Ok(s(18)));
        assert_eq!(belief.confirm(5, &TERMS, at(20)), Ok(()), "an older answer comes late");
        assert_eq!(belief.valid_for(&TERMS, at(20)), Ok(s(18)));
    }

    #[test]
    fn too_late_is_too_late_and_the_first_reason_stays() {
        let mut belief = Belief::new(0, 1);
        assert_eq!(belief.confirm(27, &TERMS, at(28)), Err(LossReason::Expired));
        belief.lose(LossReason::Taken);
        assert_eq!(belief.loss(), Some(LossReason::Expired));
        assert_eq!(belief.step(&TERMS, at(28), false), Step::Lose(LossReason::Expired));
        assert_eq!(belief.valid_for(&TERMS, at(0)), Err(LossReason::Expired), "lost for good");
    }

    #[test]
    fn what_is_decided_is_lost_at_once() {
        let mut belief = Belief::new(0, 1);
        assert_eq!(belief.step(&TERMS, at(28), false), Step::Lose(LossReason::Expired));
        assert_eq!(belief.loss(), Some(LossReason::Expired));
    }

    #[test]
    fn failures_count_until_an_answer_comes() {
        let mut belief = Belief::new(0, 0);
        belief.sending(10);
        assert_eq!(belief.step(&TERMS, at(11), false), Step::Wait(s(4)), "it is under way");
        belief.renewal_failed(s(0));
        belief.renewal_failed(s(9));
        assert_eq!(belief.step(&TERMS, at(10), false), Step::Wait(s(1) / 2), "the first failure, counted once");
        belief.sending(11);
        belief.sending(16);
        belief.renewal_failed(s(0));
        assert_eq!(belief.step(&TERMS, at(16), false), Step::Wait(s(2)), "one without an answer counts, too");
        assert_eq!(belief.confirm(16, &TERMS, at(17)), Ok(()));
        assert_eq!(belief.step(&TERMS, at(17), false), Step::Wait(s(9)), "all is well");
    }

    #[test]
    fn it_is_due_after_a_third_whether_or_not_one_is_under_way() {
        let mut belief = Belief::new(0, 1);
        belief.sending(9);
        assert!(!belief.is_due(&TERMS, at(9)) && belief.is_due(&TERMS, at(10)));
        assert!(!belief.is_due(&Terms { renews: false, ..TERMS }, at(10)), "nobody renews it unasked");
        assert_eq!(belief.confirm(9, &TERMS, at(10)), Ok(()));
        assert!(!belief.is_due(&TERMS, at(10)));
    }

    #[test]
    fn it_ends_on_the_server_after_its_full_length() {
        let belief = Belief::new(0, 1);
        assert!(!belief.ends_within(s(9), &TERMS, at(20)) && belief.ends_within(s(10), &TERMS, at(20)));
    }
}
