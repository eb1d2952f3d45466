//! Leases, holders and fencing tokens as plain values.

use std::{fmt, num::NonZeroU64, time::Duration, time::SystemTime};

use crate::{Grant, LockName};

/// A number that grows with every acquisition of a lock name, for ever.
///
/// Pass it along with each write to the protected resource, and let the resource refuse a token that is smaller
/// than the largest it has seen: that stops a holder which was paused past its lease.
///
/// It lies between 1 and [`FencingToken::MAX`], so it survives JSON and `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(NonZeroU64);

impl FencingToken {
    /// The largest token, 2^53 − 1.
    pub const MAX: u64 = (1 << 53) - 1;

    /// The token with this value, or `None` if it lies outside of `1..=FencingToken::MAX`.
    #[must_use]
    pub fn new(value: u64) -> Option<Self> {
        if value > Self::MAX { None } else { NonZeroU64::new(value).map(Self) }
    }

    /// The token of a stored record, or `None` if no record can have it: the largest one could not be followed by another, so
    /// a record that has it is corrupt.
    #[must_use]
    pub fn stored(value: u64) -> Option<Self> {
        Self::new(value).filter(|token| token.get() < Self::MAX)
    }

    /// The token as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The token of the next acquisition: `max(previous + 1, server_now_ms × 1024)`.
    ///
    /// The clock's share keeps tokens growing after the record of an idle lock was cleaned up; the factor leaves
    /// room for a thousand acquisitions a millisecond. `None` if that is no valid token any more.
    #[must_use]
    pub fn following(previous: Option<Self>, server_now_ms: u64) -> Option<Self> {
        let by_clock = server_now_ms.checked_mul(1024)?.max(1);
        Self::new(previous.map_or(by_clock, |token| by_clock.max(token.get() + 1)))
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A random 128-bit id, fresh for every acquisition.
///
/// A repeated or late request recognises itself by it. Together with the token it is the right to renew and
/// release, so `Debug` shows only its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HolderId([u8; 16]);

impl HolderId {
    /// A fresh id from the operating system's random numbers.
    ///
    /// # Errors
    /// The operating system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        crate::chance::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id as bytes, to be stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HolderId({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// What identifies one granted lease: only who has all three can renew or release it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseKey {
    /// The lock.
    pub name: LockName,
    /// The acquisition that was granted.
    pub holder: HolderId,
    /// The token it was granted with.
    pub token: FencingToken,
}

/// What a holder tells others about itself. Stored beside the lease, never trusted for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HolderInfo {
    /// The holder's host, or the label its manager was given, at most 256 bytes.
    pub host: Option<String>,
    /// The holder's process.
    pub pid: Option<u32>,
    /// The note of the lock's options, at most 4096 bytes.
    pub note: Option<String>,
}

impl HolderInfo {
    pub(crate) fn who(&self) -> Who<'_> {
        Who { host: self.host.as_deref(), pid: self.pid }
    }
}

impl fmt::Display for HolderInfo {
    /// `api-3 (pid 4711): nightly import`, with all that could upset a terminal escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.who().fmt(f)?;
        match &self.note {
            Some(note) => write!(f, ": {}", note.escape_debug()),
            None => Ok(()),
        }
    }
}

/// A holder without its note, as logs show it.
pub(crate) struct Who<'a> {
    host: Option<&'a str>,
    pid: Option<u32>,
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host.unwrap_or("unknown host").escape_debug())?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (pid {pid})"))
    }
}

/// A held lock, as the store sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockInfo {
    /// The lock.
    pub name: LockName,
    /// Its holder's id.
    pub holder: HolderId,
    /// Its holder's fencing token.
    pub token: FencingToken,
    /// The host, or the label, that its holder gave.
    pub host: Option<String>,
    /// The process that its holder gave.
    pub pid: Option<u32>,
    /// The note that its holder gave.
    pub note: Option<String>,
    /// When it was acquired, on the server's clock.
    pub acquired: SystemTime,
    /// How long its lease still runs, on the server's clock; zero once it has ended.
    pub remaining: Duration,
    /// How long until another attempt can take it over if it is not renewed: until twice the store's skew allowance
    /// after its end.
    pub takeover_in: Duration,
}

impl LockInfo {
    /// Whether its lease still runs.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.remaining.is_zero()
    }

    /// The grant of this holder: none if the lease is another's, or has ended meanwhile. For stores.
    #[must_use]
    pub fn grant_of(&self, holder: HolderId) -> Option<Grant> {
        (self.is_live() && self.holder == holder).then_some(Grant { token: self.token })
    }

    /// Who the holder says it is.
    #[must_use]
    pub fn holder_info(&self) -> HolderInfo {
        HolderInfo { host: self.host.clone(), pid: self.pid, note: self.note.clone() }
    }

    pub(crate) fn who(&self) -> Who<'_> {
        Who { host: self.host.as_deref(), pid: self.pid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDER: HolderId = HolderId::from_bytes([7; 16]);

    fn ended() -> LockInfo {
        LockInfo {
            name: LockName::new("x").expect("a name"),
            holder: HOLDER,
            token: FencingToken::new(1).expect("a token"),
            host: Some("api-3".into()),
            pid: Some(4711),
            note: Some("nightly\u{1b}[2J".to_owned()),
            acquired: SystemTime::UNIX_EPOCH,
            remaining: Duration::ZERO,
            takeover_in: Duration::from_millis(500),
        }
    }

    #[test]
    fn only_a_live_lease_is_a_grant_and_only_to_its_holder() {
        let (ended, live) = (ended(), LockInfo { remaining: Duration::from_nanos(1), ..ended() });
        assert!(live.is_live() && !ended.is_live());
        assert_eq!(live.grant_of(HOLDER), Some(Grant { token: live.token }));
        assert_eq!((live.grant_of(HolderId::from_bytes([8; 16])), ended.grant_of(HOLDER)), (None, None));
    }

    #[test]
    fn holders_are_told_in_a_line_that_does_no_harm() {
        let info = ended();
        assert_eq!(info.holder_info().to_string(), "api-3 (pid 4711): nightly\\u{1b}[2J");
        assert_eq!(info.who().to_string(), "api-3 (pid 4711)");
        assert_eq!(HolderInfo::default().to_string(), "unknown host");
    }

    #[test]
    fn tokens_follow_the_clock_or_the_last_one() {
        assert_eq!(FencingToken::MAX, 9_007_199_254_740_991);
        assert_eq!(FencingToken::new(42).expect("a token").to_string(), "42");
        assert_eq!((FencingToken::new(0), FencingToken::new(FencingToken::MAX + 1)), (None, None));
        let following =
            |previous: u64, ms| FencingToken::following(FencingToken::new(previous), ms).map(FencingToken::get);
        assert_eq!(following(0, 0), Some(1));
        assert_eq!(following(0, 1000), Some(1_024_000));
        assert_eq!(following(1_023_998, 1000), Some(1_024_000));
        assert_eq!(following(1_024_000, 1000), Some(1_024_001));
        assert_eq!(following(FencingToken::MAX - 1, 0), Some(FencingToken::MAX));
        assert_eq!(
            (following(FencingToken::MAX, 0), following(1, 1 << 43), following(1, u64::MAX)),
            (None, None, None)
        );
    }
}
