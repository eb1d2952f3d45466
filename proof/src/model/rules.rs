//! [`Rules`]: each decision of the protocol, by the function that production calls, or by a wrong one.

use std::time::Duration;

use shylock_core::{
    FencingToken, HolderId, LossReason,
    protocol::{Belief, Finding, Ledger, Terms},
    record::{Key, Record, Take, Wish},
};

use super::{
    bounds::{Bounds, TICK, ticks},
    bugs::Bug::{self, *},
    state::{Acquisition, Id, Phase},
};

/// The decisions. Without a bug, all of them are production's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The decision that is wrong.
    pub bug: Option<Bug>,
}

impl Rules {
    pub(super) fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    // The store's.

    pub(super) fn holder(self, id: Id) -> HolderId {
        let id = if self.has(NoNonce) { Id { acquisition: 0, ..id } } else { id };
        id.holder()
    }

    pub(super) fn take(self, existing: Option<&Record>, wish: &Wish, now: Duration, skew: Duration) -> Take {
        let mine = existing.is_some_and(|record| record.is_live(now) && record.holder == wish.holder);
        let take = match self.bug {
            Some(RepeatIsNew) if mine => return self.grant(existing, wish, now),
            Some(RepeatIsRefused) if mine => return Take::Held,
            Some(TakenEarly) => Record::take(existing, wish, now + TICK, Duration::ZERO),
            Some(NoGrace) => Record::take(existing, wish, now, Duration::ZERO),
            Some(HalfGrace) => Record::take(existing, wish, now, skew / 2),
            Some(ReleasedWaitsForGrace) => match existing {
                Some(record) if record.ends.is_zero() && record.acquired + skew * 2 > now => Take::Held,
                _ => Record::take(existing, wish, now, skew),
            },
            _ => Record::take(existing, wish, now, skew),
        };
        match (take, existing) {
            (Take::New(_), _) => self.grant(existing, wish, now),
            (Take::Repeated(record), Some(before)) if self.has(RepeatDoesNotProlong) || self.has(CountedFromRetry) => {
                Take::Repeated(Record { ends: before.ends, ..record })
            }
            (Take::Repeated(record), _) if self.has(RepeatShortens) => {
                Take::Repeated(Record { ends: now + wish.ttl, ..record })
            }
            _ => take,
        }
    }

    /// A new lease, with the token that is due.
    fn grant(self, existing: Option<&Record>, wish: &Wish, now: Duration) -> Take {
        let Some(record) = Record::granted(existing, wish, now) else { return Take::NoToken };
        let previous = existing.map_or(0, |record| record.token.get());
        let token = match self.bug {
            Some(TokenNotIncremented) => previous.max(by_clock(now)),
            Some(TokenWithoutClock) => previous + 1,
            Some(TokenOfClockOnly) => by_clock(now),
            _ => record.token.get(),
        };
        FencingToken::new(token).map_or(Take::NoToken, |token| Take::New(Record { token, ..record }))
    }

    pub(super) fn renew(self, record: &Record, lease: Key, ttl: Duration, now: Duration) -> Option<Record> {
        let prolonged = Record { ends: record.ends.max(now + ttl), ..*record };
        let unreleased = !record.ends.is_zero();
        match self.bug {
            Some(RenewUnchecked) => (unreleased && record.is_live(now)).then_some(prolonged),
            Some(RenewByHolder) => (record.holder == lease.0 && record.is_live(now)).then_some(prolonged),
            Some(RenewByToken) => (record.token == lease.1 && record.is_live(now)).then_some(prolonged),
            Some(RenewEnded) => record.is_of(lease).then_some(prolonged),
            Some(RenewReleased) => ((record.holder, record.token) == lease).then_some(prolonged),
            Some(RenewShortens) => record.renewed(lease, ttl, now).map(|record| Record { ends: now + TICK, ..record }),
            _ => record.renewed(lease, ttl, now),
        }
    }

    /// The record after a release; the inner `None`: it is gone. The outer one: it is not the caller's.
    pub(super) fn release(self, record: &Record, lease: Key) -> Option<Option<Record>> {
        let freed = Some(Record { ends: Duration::ZERO, ..*record });
        match self.bug {
            Some(ReleaseUnchecked) => Some(freed),
            Some(ReleaseByHolder) => (record.holder == lease.0).then_some(freed),
            Some(ReleaseByToken) => (record.token == lease.1).then_some(freed),
            Some(ReleaseDeletes) => record.released(lease).map(|_| None),
            _ => record.released(lease).map(Some),
        }
    }

    pub(super) fn hand_off(self, record: &Record, from: Key, to: &Wish, now: Duration) -> Take {
        match self.bug {
            Some(HandOffUnchecked) => self.grant(Some(record), to, now),
            Some(HandOffOfReleased) if (record.holder, record.token) == from => self.grant(Some(record), to, now),
            Some(HandOffKeepsToken) => match record.handed_off(from, to, now) {
                Take::New(next) => Take::New(Record { token: record.token, ..next }),
                other => other,
            },
            _ => record.handed_off(from, to, now),
        }
    }

    pub(super) fn may_be_removed(self, record: &Record, now: Duration, retention: Duration) -> bool {
        match self.bug {
            Some(RemovedWhenEnded) => !record.is_live(now),
            Some(RemovedByAge) => record.acquired + retention <= now,
            _ => record.is_idle(now, retention),
        }
    }

    pub(super) fn retention(self, bounds: &Bounds) -> Option<Duration> {
        let retention = bounds.retention.map(ticks);
        if self.has(RemovedTooSoon) { retention.map(|retention| retention - TICK) } else { retention }
    }

    pub(super) fn rolls_back(self) -> bool {
        self.has(WeakWrites)
    }

    // The client's.

    pub(super) fn granted(self, ledger: &mut Ledger<u8>, sent: u8, token: FencingToken, clock: u8) -> Finding<u8> {
        let found = ledger.granted(sent, token);
        match (self.bug, found) {
            (Some(CountedFromRetry | CountedFromOwnSending), Finding::Wanted(_)) => Finding::Wanted(sent),
            (Some(CountedFromAnswer), Finding::Wanted(_)) => Finding::Wanted(clock),
            _ => found,
        }
    }

    /// A hand-off was granted.
    pub(super) fn handed(self, ledger: &mut Ledger<u8>, sent: u8, token: FencingToken, clock: u8) -> Finding<u8> {
        match (self.bug, ledger.granted(sent, token)) {
            (Some(HandOffCountedFromAnswer), Finding::Wanted(_)) => Finding::Wanted(clock),
            (_, found) => found,
        }
    }

    pub(super) fn terms(self, terms: Terms) -> Terms {
        if self.has(NoMargin) { Terms { margin: Duration::ZERO, ..terms } } else { terms }
    }

    pub(super) fn is_valid(self, belief: &mut Belief<u8>, terms: Terms, age: impl Fn(u8) -> Duration) -> bool {
        if self.has(NoDeadline) {
            return belief.loss().is_none();
        }
        belief.valid_for(&self.terms(terms), age).is_ok()
    }

    pub(super) fn confirm(
        self,
        belief: &mut Belief<u8>,
        sent: u8,
        clock: u8,
        terms: Terms,
        age: impl Fn(u8) -> Duration,
    ) {
        match self.bug {
            Some(RenewalCountedFromAnswer) => drop(belief.confirm(clock, &terms, age)),
            Some(ConfirmMovesBack) if belief.valid_for(&terms, &age).is_ok() => *belief = Belief::new(sent, sent),
            Some(LateAnswerRevives) if belief.loss().is_none_or(|reason| reason == LossReason::Expired) => {
                *belief = Belief::new(sent, sent);
            }
            _ => drop(belief.confirm(sent, &terms, age)),
        }
    }

    /// A renewal has failed; nobody knows whether it was carried out.
    pub(super) fn renewal_failed(self, belief: &mut Belief<u8>, sent: u8, terms: Terms, age: impl Fn(u8) -> Duration) {
        if self.has(UnknownRenewalCounts) {
            _ = belief.confirm(sent, &terms, age);
        } else {
            belief.renewal_failed(Duration::ZERO);
        }
    }

    pub(super) fn told_not_held(self, belief: &mut Belief<u8>) {
        if !self.has(NotHeldIgnored) {
            belief.lose(LossReason::Taken);
        }
    }

    /// Whether an answer to a renewal under this token is taken for the lease that is held.
    pub(super) fn is_for(self, of: Id, token: FencingToken, held: Id, held_token: FencingToken) -> bool {
        if self.has(AnyRenewalCounts) { of.client == held.client } else { (of, token) == (held, held_token) }
    }

    /// Whether a belief goes on until the release was answered.
    pub(super) fn holds_until_released(self) -> bool {
        self.has(HeldUntilReleased)
    }

    /// Says whether to withdraw. `held`: the lease that was handed out is good.
    pub(super) fn doubt(self, ledger: &mut Ledger<u8>, held: bool) -> bool {
        if self.has(UnknownIsRefusal) {
            ledger.close();
            return false;
        }
        let needed = ledger.doubt();
        self.withdraws(ledger, needed, held)
    }

    /// Says whether to withdraw. `held`: the lease that was handed out is good.
    pub(super) fn abandon(self, ledger: &mut Ledger<u8>, held: bool) -> bool {
        let needed = ledger.abandon();
        self.withdraws(ledger, needed, held)
    }

    fn withdraws(self, ledger: &mut Ledger<u8>, needed: bool, held: bool) -> bool {
        let omitted = self.has(NoWithdrawal) || (self.has(NotWithdrawnWhileHeld) && held);
        if needed && omitted {
            ledger.withdrawn();
        }
        needed && !omitted
    }

    /// Whether a grant that nobody waits for is released.
    pub(super) fn releases_unwanted(self, acquisition: &Acquisition) -> bool {
        match self.bug {
            Some(UnwantedKept) => false,
            Some(SecondGrantKept) => !matches!(acquisition.phase, Phase::Held(..)),
            _ => true,
        }
    }

    /// Whether a hand-off of which nobody knows is followed by a release.
    pub(super) fn releases_after_unknown(self) -> bool {
        !self.has(UnknownHandOffCounts)
    }

    // The resource's.

    pub(super) fn accepts(self, fence: Option<FencingToken>, token: FencingToken) -> bool {
        match self.bug {
            Some(NoFence) => true,
            Some(FenceOffByOne) => fence.is_none_or(|fence| token.get() + 1 >= fence.get()),
            _ => fence.is_none_or(|fence| token >= fence),
        }
    }

    /// The lease that somebody wants.
    pub(super) fn wish(self, id: Id, ttl: u8) -> Wish {
        Wish { holder: self.holder(id), ttl: ticks(ttl) }
    }
}

/// The clock's share of a token.
fn by_clock(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_mul(1024)
}
