//! [`Store`]: each request as one transaction. What becomes of a lock is decided by `shylock-core`.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Row, TransactionBehavior};
use shylock_core::{
    AcquireRequest, Attempt, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal,
    record::{Entry, Taken},
};

use crate::{
    clock::Machine,
    error::{self, Stop, before_commit},
    place::Place,
    record::{by_age, name},
    session::{self, Session},
};

/// All processes read one clock.
pub(crate) const NO_SKEW: Duration = Duration::ZERO;
/// One grant in so many cleans up.
const SWEEP_EVERY: u32 = 16;
/// How long others may keep the log from being brought into the file.
const FLUSHING: Duration = Duration::from_millis(100);

/// The file of the locks.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: Connection,
    pub(crate) place: Place,
    pub(crate) machine: Machine,
    pub(crate) retention: Duration,
    /// Whether the log may have something that the file itself has not.
    pub(crate) is_ahead: bool,
}

impl Store {
    pub(crate) fn try_acquire(&mut self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let retention = self.retention;
        self.write(|session| {
            let existing = session.entry(&request.name)?;
            match Entry::take(existing.as_ref(), request, session.now, NO_SKEW)? {
                Taken::Granted(entry) => {
                    grant(session, &request.name, &entry, retention)?;
                    Ok(Attempt::Granted(entry.grant()))
                }
                Taken::Held(info) => Ok(Attempt::Held(by_age(info, session.now))),
            }
        })
    }

    /// What was held in a file that nobody finds any more is held no longer: others may have the lock in another file.
    pub(crate) fn renew(&mut self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        match self.write(|session| leases.iter().map(|renewal| renew(session, renewal)).collect()) {
            Err(error) if error::is_replaced(&error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "all leases in the lock file are lost");
                Ok(vec![RenewOutcome::NotHeld; leases.len()])
            }
            answer => answer,
        }
    }

    pub(crate) fn release(&mut self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.write(|session| leases.iter().map(|lease| release(session, lease)).collect())
    }

    pub(crate) fn hand_off(&mut self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let retention = self.retention;
        self.write(|session| {
            let Some(entry) = session.entry(&from.name)? else { return Ok(HandOff::NotHeld) };
            let Some(next) = entry.handed_off(from, to, session.now)? else { return Ok(HandOff::NotHeld) };
            grant(session, &to.name, &next, retention)?;
            Ok(HandOff::Granted(next.grant()))
        })
    }

    pub(crate) fn inspect(&mut self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.read(|session| {
            let live = session.entry(name)?.filter(|entry| entry.record.is_live(session.now));
            Ok(live.map(|entry| by_age(entry.told(name, session.now, NO_SKEW), session.now)))
        })
    }

    pub(crate) fn list(&mut self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let after = query.after.as_ref().map_or("", LockName::as_str);
        self.read(|session| {
            let mut page = Vec::new();
            session.scan_held(&query.prefix, after, |name, entry| {
                let wanted = page.len() < query.limit && query.matches(&name);
                if wanted && entry.record.is_live(session.now) {
                    page.push(by_age(entry.told(&name, session.now, NO_SKEW), session.now));
                }
                wanted
            })?;
            Ok(page)
        })
    }

    pub(crate) fn repair(&mut self, name: &LockName) -> Result<bool, BackendError> {
        self.write(|session| {
            if sound_entry(session, name)?.is_ok() {
                return Ok(false);
            }
            let entry = Entry::repaired(session.stored_token(name)?, session.now);
            let Entry { record, info } = entry.ok_or_else(|| BackendError::permanent("there is no larger token"))?;
            session.grant(name, &record, &info)?;
            session.free(name, &record)?;
            Ok(true)
        })
    }

    /// Brings what is in the log into the file itself, as far as others let it: whoever takes the log for a left-over then, and
    /// removes it, removes nothing. A log that is in use is left as it is.
    pub(crate) fn flush(&mut self) -> Result<(), BackendError> {
        if !self.is_ahead {
            return Ok(());
        }
        self.place.check()?;
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let checkpoint = || self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row).map_err(before_commit);
        let since = Instant::now();
        loop {
            let (logged, done) = checkpoint()?;
            if logged == done {
                self.is_ahead = false;
                return Ok(());
            }
            // Another process reads what was before, or does the same.
            if since.elapsed() > FLUSHING {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The file that changes with each commit.
    pub(crate) fn log(&self) -> PathBuf {
        self.place.log()
    }

    /// The number of the last release.
    pub(crate) fn last_freed(&mut self) -> Result<i64, BackendError> {
        session::last_freed(&self.connection).map_err(before_commit)
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
        self.is_ahead = true;
        self.written(work)
            .map_err(|error| if error::is_failed_write(&error) { self.place.explain(error) } else { error })
    }

    fn written<T>(&mut self, work: impl Fn(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
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

/// Writes a lease down; one of some cleans up.
fn grant(session: &Session<'_>, name: &LockName, entry: &Entry, retention: Duration) -> Result<(), Stop> {
    session.grant(name, &entry.record, &entry.info)?;
    if session.now.subsec_micros().is_multiple_of(SWEEP_EVERY) {
        session.sweep(retention)?;
    }
    Ok(())
}

fn renew(session: &Session<'_>, renewal: &Renewal) -> Result<RenewOutcome, Stop> {
    let name = &renewal.lease.name;
    let entry = sound_entry(session, name)?.ok().flatten();
    let Some(Entry { record, .. }) = entry.and_then(|entry| entry.renewed(renewal, session.now)) else {
        return Ok(RenewOutcome::NotHeld);
    };
    session.prolong(name, &record)?;
    Ok(RenewOutcome::Renewed)
}

fn release(session: &Session<'_>, lease: &LeaseKey) -> Result<ReleaseOutcome, Stop> {
    let entry = sound_entry(session, &lease.name)?.ok().flatten();
    let Some(Entry { record, .. }) = entry.and_then(|entry| entry.released(lease)) else {
        return Ok(ReleaseOutcome::NotHeld);
    };
    session.free(&lease.name, &record)?;
    Ok(ReleaseOutcome::Released)
}

/// The entry, or that its record is corrupt: it is no lease of the caller's, and the others of its batch go on.
fn sound_entry(session: &Session<'_>, name: &LockName) -> Result<Result<Option<Entry>, BackendError>, Stop> {
    match session.entry(name) {
        Err(Stop::Told(corrupt)) => Ok(Err(corrupt)),
        entry => Ok(Ok(entry?)),
    }
}
