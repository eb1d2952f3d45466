//! [`Store`]: each request as one transaction. What becomes of a lock is decided by `shylock-core`.

use std::{path::PathBuf, time::Duration};

use rusqlite::{Connection, TransactionBehavior};
use shylock_core::{
    AcquireRequest, Attempt, BackendError, Grant, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal,
    protocol::{Key, Record, Take, Wish},
};

use crate::{
    clock::Machine,
    error::{Stop, before_commit},
    place::Place,
    record::{Entry, name},
    session::Session,
};

/// All processes read one clock.
const NO_SKEW: Duration = Duration::ZERO;
/// One grant in so many cleans up.
const SWEEP_EVERY: u32 = 16;

/// The file of the locks.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: Connection,
    pub(crate) place: Place,
    pub(crate) machine: Machine,
    pub(crate) retention: Duration,
}

impl Store {
    pub(crate) fn try_acquire(&mut self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let retention = self.retention;
        self.write(|session| {
            let existing = session.entry(&request.name)?;
            let record = existing.as_ref().map(|entry| &entry.record);
            let take = Record::take(record, &wish(request), session.now, NO_SKEW);
            match (settle(session, request, take, retention)?, existing) {
                (Some(grant), _) => Ok(Attempt::Granted(grant)),
                (None, Some(entry)) => Ok(Attempt::Held(entry.info(&request.name, session.now))),
                (None, None) => Err(BackendError::permanent("a lock was refused that nobody has").into()),
            }
        })
    }

    pub(crate) fn renew(&mut self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        self.write(|session| leases.iter().map(|renewal| renew(session, renewal)).collect())
    }

    pub(crate) fn release(&mut self, lease: &LeaseKey) -> Result<ReleaseOutcome, BackendError> {
        self.write(|session| {
            let entry = session.entry(&lease.name)?;
            let Some(record) = entry.and_then(|entry| entry.record.released(key(lease))) else {
                return Ok(ReleaseOutcome::NotHeld);
            };
            session.free(&lease.name, &record)?;
            Ok(ReleaseOutcome::Released)
        })
    }

    pub(crate) fn hand_off(&mut self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let retention = self.retention;
        self.write(|session| {
            let Some(entry) = session.entry(&from.name)? else { return Ok(HandOff::NotHeld) };
            let take = entry.record.handed_off(key(from), &wish(to), session.now);
            Ok(settle(session, to, take, retention)?.map_or(HandOff::NotHeld, HandOff::Granted))
        })
    }

    pub(crate) fn inspect(&mut self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.read(|session| {
            let live = session.entry(name)?.filter(|entry| entry.record.is_live(session.now));
            Ok(live.map(|entry| entry.info(name, session.now)))
        })
    }

    pub(crate) fn list(&mut self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let after = query.after.as_ref().map_or("", LockName::as_str);
        self.read(|session| {
            let mut page = Vec::new();
            session.scan(&query.prefix, after, |name, entry| {
                let wanted = page.len() < query.limit && name.as_str().starts_with(&query.prefix);
                if wanted && entry.record.is_live(session.now) {
                    page.push(entry.info(&name, session.now));
                }
                wanted
            })?;
            Ok(page)
        })
    }

    pub(crate) fn force_break(&mut self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.write(|session| {
            let Some(entry) = session.entry(name)? else { return Ok(None) };
            let Some(record) = entry.record.broken(session.now) else { return Ok(None) };
            session.free(name, &record)?;
            Ok(Some(entry.info(name, session.now)))
        })
    }

    /// The file that changes with each commit, while it is open.
    pub(crate) fn log(&self) -> PathBuf {
        self.place.beside("-wal")
    }

    /// The number of the last release.
    pub(crate) fn last_freed(&mut self) -> Result<i64, BackendError> {
        let last = "SELECT coalesce(max(freed), 0) FROM shylock_locks WHERE freed IS NOT NULL";
        self.connection.query_row(last, [], |row| row.get(0)).map_err(before_commit)
    }

    /// What was released after that, in the order of the numbers.
    pub(crate) fn freed_since(&mut self, last: i64) -> Result<Vec<(i64, LockName)>, BackendError> {
        self.place.check()?;
        let read = || -> rusqlite::Result<Vec<(i64, Option<LockName>)>> {
            let freed = "SELECT freed, name FROM shylock_locks WHERE freed > ?1 ORDER BY freed";
            let mut select = self.connection.prepare_cached(freed)?;
            select.query_map([last], |row| Ok((row.get(0)?, name(row))))?.collect()
        };
        let freed = read().map_err(before_commit)?;
        Ok(freed.into_iter().filter_map(|(number, name)| Some((number, name?))).collect())
    }

    fn read<T>(&mut self, work: impl FnOnce(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
        self.place.check()?;
        let session = Session::begin(&mut self.connection, TransactionBehavior::Deferred, &self.machine)?;
        Ok(work(&session)?)
    }

    fn write<T>(&mut self, work: impl Fn(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
        loop {
            self.place.check()?;
            let session = Session::begin(&mut self.connection, TransactionBehavior::Immediate, &self.machine)?;
            if session.is_reserved() {
                let answer = work(&session)?;
                session.commit()?;
                return Ok(answer);
            }
            drop(session);
            self.reserve()?;
        }
    }

    /// Has the disk know how far the clock may come.
    fn reserve(&mut self) -> Result<(), BackendError> {
        self.synchronize("FULL")?;
        let session = Session::begin(&mut self.connection, TransactionBehavior::Immediate, &self.machine);
        let done = session.map_err(BackendError::from).and_then(|session| {
            session.reserve()?;
            session.commit()
        });
        self.synchronize("NORMAL")?;
        done
    }

    fn synchronize(&self, level: &str) -> Result<(), BackendError> {
        self.connection.pragma_update(None, "synchronous", level).map_err(before_commit)
    }
}

/// Writes down what became of a wish. `None`: another has the lock.
fn settle(
    session: &Session<'_>,
    request: &AcquireRequest,
    take: Take,
    retention: Duration,
) -> Result<Option<Grant>, Stop> {
    let record = match take {
        Take::Held => return Ok(None),
        Take::NoToken => return Err(BackendError::permanent("there is no larger fencing token").into()),
        Take::Repeated(record) => {
            session.prolong(&request.name, &record)?;
            record
        }
        Take::New(record) => {
            session.grant(&request.name, &record, &request.info)?;
            if session.now.subsec_micros().is_multiple_of(SWEEP_EVERY) {
                session.sweep(retention)?;
            }
            record
        }
    };
    Ok(Some(Grant { token: record.token }))
}

/// A corrupt record is no lease of the caller's; the others of its batch go on.
fn renew(session: &Session<'_>, Renewal { lease, ttl }: &Renewal) -> Result<RenewOutcome, Stop> {
    let entry = match session.entry(&lease.name) {
        Err(Stop::Told(_)) => None,
        entry => entry?,
    };
    let Some(record) = entry.and_then(|Entry { record, .. }| record.renewed(key(lease), *ttl, session.now)) else {
        return Ok(RenewOutcome::NotHeld);
    };
    session.prolong(&lease.name, &record)?;
    Ok(RenewOutcome::Renewed)
}

fn wish(request: &AcquireRequest) -> Wish {
    Wish { holder: request.holder, ttl: request.ttl }
}

fn key(lease: &LeaseKey) -> Key {
    (lease.holder, lease.token)
}
