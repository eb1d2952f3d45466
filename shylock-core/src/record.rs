//! The rules of a lock's record, for stores that decide in Rust. Pure: the server's time comes as an argument.
//!
//! [`Entry`] answers a store's requests, and is all that a store needs; [`Record`] and its functions are what it asks.
//! [`MemoryBackend`](crate::MemoryBackend) and `shylock-sqlite` call them, and a model explores them within its bounds
//! (`RELIABILITY.md` in the repository). The stores of database servers have the same rules in their query languages, and
//! the suite of the feature `conformance` compares.
//!
//! All times are counted from 1970 on the server's clock, in the clock's own resolution. Nothing is rounded but the clock's
//! share of a token, which has whole milliseconds.

mod entry;

use std::time::Duration;

pub use self::entry::{Entry, Taken};
use crate::{FencingToken, HolderId, MAX_TTL};

/// How far away the end of a lease can be: the longest lease, and an hour for clocks that were set back. A record in which
/// it is farther away is corrupt.
pub const FARTHEST_END: Duration = MAX_TTL.saturating_add(Duration::from_secs(60 * 60));

/// What identifies a lease within its record.
pub type Key = (HolderId, FencingToken);

/// What a store keeps of one lock. Times are on the server's clock, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// The token of the last grant.
    pub token: FencingToken,
    /// The last holder; a live one only while `ends` is later than now.
    pub holder: HolderId,
    /// When the last grant was.
    pub acquired: Duration,
    /// When its lease ends; zero when it was released or broken.
    pub ends: Duration,
}

/// A wish for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Who wants it.
    pub holder: HolderId,
    /// The length of the lease, from the grant on.
    pub ttl: Duration,
}

/// What becomes of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The record is to be this one: a new lease.
    New(Record),
    /// The record is to be this one: the lease was the wish's own already.
    Repeated(Record),
    /// Another has it.
    Held,
    /// There is no larger token.
    NoToken,
}

impl Record {
    /// What becomes of a wish, given the record as it is. `skew`: ε, how far the clocks of two servers may be from the
    /// time; a lease that has ended is taken over twice this time after its end.
    #[must_use]
    pub fn take(existing: Option<&Self>, wish: &Wish, now: Duration, skew: Duration) -> Take {
        match existing {
            Some(record) if record.is_live(now) && record.holder == wish.holder => {
                Take::Repeated(record.prolonged(wish.ttl, now))
            }
            Some(record) if !record.is_free(now, skew) => Take::Held,
            _ => Self::granted(existing, wish, now).map_or(Take::NoToken, Take::New),
        }
    }

    /// The record of a new lease; `None` where there is no larger token.
    #[must_use]
    pub fn granted(existing: Option<&Self>, wish: &Wish, now: Duration) -> Option<Self> {
        let ms = u64::try_from(now.as_millis()).ok()?;
        let token = FencingToken::following(existing.map(|record| record.token), ms)?;
        Some(Self { token, holder: wish.holder, acquired: now, ends: now.saturating_add(wish.ttl) })
    }

    /// Whether somebody has the lock.
    #[must_use]
    pub fn is_live(&self, now: Duration) -> bool {
        self.ends > now
    }

    /// Whether the lock may be given to anybody: it is free, or its lease ended twice `skew` ago.
    #[must_use]
    pub fn is_free(&self, now: Duration, skew: Duration) -> bool {
        self.ends.is_zero() || self.ends.saturating_add(skew.saturating_mul(2)) <= now
    }

    /// Whether this lease was neither released nor taken over. It may have ended.
    #[must_use]
    pub fn is_of(&self, lease: Key) -> bool {
        (self.holder, self.token) == lease && !self.ends.is_zero()
    }

    /// The record after a renewal; `None` where the lease is not the caller's any more.
    #[must_use]
    pub fn renewed(&self, lease: Key, ttl: Duration, now: Duration) -> Option<Self> {
        (self.is_of(lease) && self.is_live(now)).then(|| self.prolonged(ttl, now))
    }

    /// The record after a release; `None` where the lease is not the caller's any more.
    #[must_use]
    pub fn released(&self, lease: Key) -> Option<Self> {
        self.is_of(lease).then(|| self.freed())
    }

    /// What becomes of a hand-off: the new lease, [`Take::Held`] where it was not `from`'s to pass on.
    #[must_use]
    pub fn handed_off(&self, from: Key, to: &Wish, now: Duration) -> Take {
        if !self.is_of(from) {
            return Take::Held;
        }
        Self::granted(Some(self), to, now).map_or(Take::NoToken, Take::New)
    }

    /// A free record in the place of a corrupt one. `token`: what that one has for a token, if it is a number at all; as long
    /// as it is in range, the next token is larger.
    #[must_use]
    pub fn repaired(token: Option<u64>, now: Duration) -> Option<Self> {
        let ms = u64::try_from(now.as_millis()).ok()?;
        let kept = token.and_then(FencingToken::stored);
        let token = kept.max(FencingToken::following(None, ms))?;
        Some(Self { token, holder: HolderId::from_bytes([0; 16]), acquired: now, ends: Duration::ZERO })
    }

    /// Whether the record may be removed: its grant and the end of its lease are `retention` ago or longer.
    #[must_use]
    pub fn is_idle(&self, now: Duration, retention: Duration) -> bool {
        self.acquired.max(self.ends).saturating_add(retention) <= now
    }

    fn prolonged(&self, ttl: Duration, now: Duration) -> Self {
        Self { ends: self.ends.max(now.saturating_add(ttl)), ..*self }
    }

    fn freed(&self) -> Self {
        Self { ends: Duration::ZERO, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    const fn wish(holder: u8) -> Wish {
        Wish { holder: HolderId::from_bytes([holder; 16]), ttl: s(30) }
    }

    fn record() -> Record {
        Record::granted(None, &wish(1), s(1000)).expect("a token")
    }

    #[test]
    fn an_ended_lease_is_taken_over_after_twice_the_allowance() {
        let take =
            |now| Record::take(Some(&record()), &wish(2), Duration::from_millis(now), Duration::from_millis(250));
        assert_eq!(take(1_029_999), Take::Held);
        assert_eq!(take(1_030_499), Take::Held);
        assert!(matches!(take(1_030_500), Take::New(next) if next.token > record().token));
    }

    #[test]
    fn an_ended_lease_does_not_recognise_its_own_request() {
        let take = |now| Record::take(Some(&record()), &wish(1), s(now), s(1));
        assert!(matches!(take(1029), Take::Repeated(same) if same.token == record().token && same.ends == s(1059)));
        assert_eq!(take(1030), Take::Held);
        assert_eq!(take(1031), Take::Held);
        assert!(matches!(take(1032), Take::New(next) if next.token > record().token));
    }

    #[test]
    fn a_released_lock_is_free_at_once_and_for_no_second_release() {
        let key = (record().holder, record().token);
        let free = record().released(key).expect("its holder's");
        assert!(free.is_free(s(1), s(1)) && !free.is_live(s(1)));
        assert_eq!(free.released(key), None);
        assert_eq!(free.renewed(key, s(30), s(1001)), None);
        assert_eq!(free.handed_off(key, &wish(2), s(1001)), Take::Held);
    }

    #[test]
    fn only_the_holder_with_its_token_has_a_say() {
        let (holder, token) = (record().holder, record().token);
        let other = FencingToken::new(token.get() - 1).expect("a token");
        for stale in [(wish(2).holder, token), (holder, other)] {
            assert_eq!(record().renewed(stale, s(30), s(1001)), None);
            assert_eq!(record().released(stale), None);
            assert_eq!(record().handed_off(stale, &wish(2), s(1001)), Take::Held);
        }
        assert!(
            matches!(record().handed_off((holder, token), &wish(2), s(1001)), Take::New(next) if next.token > token)
        );
    }

    #[test]
    fn renewal_neither_shortens_nor_revives() {
        let key = (record().holder, record().token);
        let ends = |ttl, now| record().renewed(key, s(ttl), s(now)).map(|record| record.ends);
        assert_eq!(ends(30, 1010), Some(s(1040)));
        assert_eq!(ends(1, 1010), Some(s(1030)));
        assert_eq!(ends(30, 1030), None);
    }

    #[test]
    fn a_repaired_record_is_free_and_its_token_never_falls() {
        let by_clock = record().token;
        let token = |stored| Record::repaired(stored, s(1000)).map(|record| (record.token, record.is_free(s(0), s(0))));
        for stored in [None, Some(0), Some(7), Some(FencingToken::MAX), Some(u64::MAX)] {
            assert_eq!(token(stored), Some((by_clock, true)), "{stored:?}");
        }
        let large = FencingToken::MAX - 1;
        assert_eq!(token(Some(large)), FencingToken::new(large).map(|token| (token, true)));
    }

    #[test]
    fn a_record_is_idle_some_time_after_its_last_use() {
        assert!(!record().is_idle(s(1039), s(10)) && record().is_idle(s(1040), s(10)));
        let free = record().freed();
        assert!(!free.is_idle(s(1009), s(10)) && free.is_idle(s(1010), s(10)));
    }
}
