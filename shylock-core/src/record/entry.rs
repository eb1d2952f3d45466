//! [`Entry`]: a record with what its holder tells others, and the answers to a store's requests.

use std::time::{Duration, UNIX_EPOCH};

use super::{Key, Record, Take, Wish};
use crate::{AcquireRequest, BackendError, Grant, HolderInfo, LeaseKey, LockInfo, LockName, Renewal};

/// A lock as a store keeps it: its record, and what its holder tells others.
///
/// Each method answers one request to a [`Backend`](crate::Backend) with the entry that is to be stored next, or with
/// `None` where nothing is to be changed. A store reads an entry, asks, and stores the answer, all in one atomic step, with
/// the time `now` that its server's clock shows within that step, counted from 1970.
///
/// ```
/// use shylock_core::{AcquireRequest, HolderId, HolderInfo, LockName, record::{Entry, Taken}};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = |id| -> Result<_, Box<dyn std::error::Error>> {
///     let (name, holder) = (LockName::new("invoice-42")?, HolderId::from_bytes([id; 16]));
///     Ok(AcquireRequest { name, holder, ttl: Duration::from_secs(30), info: HolderInfo::default() })
/// };
/// let (now, skew) = (Duration::from_secs(1_800_000_000), Duration::ZERO);
/// let Taken::Granted(entry) = Entry::take(None, &request(1)?, now, skew)? else { panic!("nobody has it") };
/// let Taken::Held(info) = Entry::take(Some(&entry), &request(2)?, now, skew)? else { panic!("another has it") };
/// assert_eq!(info.remaining, Duration::from_secs(30));
/// let later = now + Duration::from_secs(30);
/// let Taken::Granted(next) = Entry::take(Some(&entry), &request(2)?, later, skew)? else { panic!("it has ended") };
/// assert!(next.record.token > entry.record.token);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// What its holder tells others.
    pub info: HolderInfo,
}

/// What becomes of a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The entry to be stored: the lease is the caller's.
    Granted(Entry),
    /// Another has the lock.
    Held(LockInfo),
}

impl Entry {
    /// The answer to [`try_acquire`](crate::Backend::try_acquire). `existing`: what is stored, `None` where nothing is.
    /// `skew`: ε, how far the clocks of two servers may be from the time; zero where all have one clock.
    ///
    /// # Errors
    /// [`Failure::Permanent`](crate::Failure::Permanent): there is no larger fencing token.
    pub fn take(
        existing: Option<&Self>,
        request: &AcquireRequest,
        now: Duration,
        skew: Duration,
    ) -> Result<Taken, BackendError> {
        let take = Record::take(existing.map(|entry| &entry.record), &wish(request), now, skew);
        match (granted(take, request)?, existing) {
            (Some(entry), _) => Ok(Taken::Granted(entry)),
            (None, Some(entry)) => Ok(Taken::Held(entry.told(&request.name, now, skew))),
            (None, None) => Err(BackendError::permanent("a lock was refused that nobody has")),
        }
    }

    /// The answer to [`hand_off`](crate::Backend::hand_off). `None`: it was not `from`'s to pass on.
    ///
    /// # Errors
    /// [`Failure::Permanent`](crate::Failure::Permanent): there is no larger fencing token.
    pub fn handed_off(
        &self,
        from: &LeaseKey,
        to: &AcquireRequest,
        now: Duration,
    ) -> Result<Option<Self>, BackendError> {
        granted(self.record.handed_off(key(from), &wish(to), now), to)
    }

    /// The answer to one [`renew`](crate::Backend::renew). `None`: the lease is not the caller's any more.
    #[must_use]
    pub fn renewed(&self, Renewal { lease, ttl }: &Renewal, now: Duration) -> Option<Self> {
        self.changed(self.record.renewed(key(lease), *ttl, now))
    }

    /// The answer to [`release`](crate::Backend::release). `None`: the lease is not the caller's any more.
    #[must_use]
    pub fn released(&self, lease: &LeaseKey) -> Option<Self> {
        self.changed(self.record.released(key(lease)))
    }

    /// The entry that [`repair`](crate::Backend::repair) stores in the place of a corrupt one: see [`Record::repaired`].
    #[must_use]
    pub fn repaired(token: Option<u64>, now: Duration) -> Option<Self> {
        Record::repaired(token, now).map(|record| Self { record, info: HolderInfo::default() })
    }

    /// What to tell a holder of its lease.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant { token: self.record.token }
    }

    /// What to tell others of the lock, whose lease may have ended: `remaining` is zero then.
    #[must_use]
    pub fn told(&self, name: &LockName, now: Duration, skew: Duration) -> LockInfo {
        let left = self.record.ends.saturating_sub(now);
        LockInfo {
            name: name.clone(),
            holder: self.record.holder,
            token: self.record.token,
            host: self.info.host.clone(),
            pid: self.info.pid,
            note: self.info.note.clone(),
            acquired: UNIX_EPOCH.checked_add(self.record.acquired).unwrap_or(UNIX_EPOCH),
            remaining: left,
            takeover_in: self.record.ends.saturating_add(skew.saturating_mul(2)).saturating_sub(now),
        }
    }

    fn changed(&self, record: Option<Record>) -> Option<Self> {
        record.map(|record| Self { record, info: self.info.clone() })
    }
}

fn granted(take: Take, request: &AcquireRequest) -> Result<Option<Entry>, BackendError> {
    match take {
        Take::Held => Ok(None),
        Take::NoToken => Err(BackendError::permanent("there is no larger fencing token")),
        Take::New(record) | Take::Repeated(record) => Ok(Some(Entry { record, info: request.info.clone() })),
    }
}

fn wish(request: &AcquireRequest) -> Wish {
    Wish { holder: request.holder, ttl: request.ttl }
}

fn key(lease: &LeaseKey) -> Key {
    (lease.holder, lease.token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FencingToken, HolderId};

    #[test]
    fn others_are_told_how_long_it_takes() {
        let s = Duration::from_secs;
        let holder = HolderId::from_bytes([7; 16]);
        let token = FencingToken::new(3).expect("a token");
        let info = HolderInfo { host: Some("api-3".into()), pid: Some(4711), note: None };
        let record = Record { token, holder, acquired: s(1000), ends: s(1030) };
        let (entry, name) = (Entry { record, info: info.clone() }, LockName::new("x").expect("a name"));
        for (now, remaining, takeover_in) in [(1010, 20, 22), (1031, 0, 1), (1032, 0, 0)] {
            let told = entry.told(&name, s(now), s(1));
            assert_eq!((told.remaining, told.takeover_in), (s(remaining), s(takeover_in)), "at {now}");
            assert_eq!((told.holder, told.token, told.holder_info()), (holder, token, info.clone()));
            assert_eq!(told.acquired, UNIX_EPOCH + s(1000));
        }
    }
}
