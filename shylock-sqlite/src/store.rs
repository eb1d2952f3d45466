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
    error::{self, SqliteError, Stop, before_commit},
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
    connection: Connection,
    place: Place,
    machine: Machine,
    retention: Duration,
    /// Whether the log may have something that the file itself has not.
    is_ahead: bool,
    /// Whether that is more than a renewal, which matters only while its holder lives.
    is_due: bool,
    /// When the last lease ends that may have been granted or renewed here.
    held_until: Instant,
    /// Whether the connection was closed, since the file was replaced.
    is_closed: bool,
}

impl Store {
    pub(crate) fn new(connection: Connection, place: Place, machine: Machine, retention: Duration) -> Self {
        // What the log is ahead of the file may be from a process that was killed.
        let (is_ahead, is_due) = (true, true);
        Self { connection, place, machine, retention, is_ahead, is_due, held_until: Instant::now(), is_closed: false }
    }

    /// What to do in a quiet moment.
    pub(crate) fn rest(&mut self) {
        let outcome = if self.is_due { self.flush() } else { self.check() };
        if let Err(error) = outcome {
            tracing::debug!(error = &error as &dyn std::error::Error, "checkpoint failed");
        }
    }

    pub(crate) fn try_acquire(&mut self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let retention = self.retention;
        self.write(request.ttl, |session| {
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

    /// A lease in a file that was replaced is lost: others may have the lock in the new one.
    pub(crate) fn renew(&mut self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let longest = leases.iter().map(|renewal| renewal.ttl).max().unwrap_or_default();
        match self.change(longest, |session| leases.iter().map(|renewal| renew(session, renewal)).collect()) {
            Err(error) if error::is_replaced(&error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "lock file replaced, all leases in it are lost"
                );
                Ok(vec![RenewOutcome::NotHeld; leases.len()])
            }
            answer => answer,
        }
    }

    pub(crate) fn release(&mut self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.write(Duration::ZERO, |session| leases.iter().map(|lease| release(session, lease)).collect())
    }

    pub(crate) fn hand_off(&mut self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let retention = self.retention;
        self.write(to.ttl, |session| {
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
        self.write(Duration::ZERO, |session| {
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
        self.check()?;
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)? != 0, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let checkpoint = || self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row).map_err(before_commit);
        let since = Instant::now();
        loop {
            // Who is kept from it by another process learns nothing of the log: -1 and -1.
            let (is_busy, logged, done) = checkpoint()?;
            if !is_busy && logged == done {
                (self.is_ahead, self.is_due) = (false, false);
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
        self.check()?;
        let read = || -> rusqlite::Result<Vec<(i64, Option<LockName>)>> {
            let freed = "SELECT freed, name FROM shylock_locks WHERE freed > ?1 ORDER BY freed";
            let mut select = self.connection.prepare_cached(freed)?;
            select.query_map([last], |row| Ok((row.get(0)?, name(row))))?.collect()
        };
        let freed = read().map_err(before_commit)?;
        Ok(freed.into_iter().filter_map(|(number, name)| Some((number, name?))).collect())
    }

    fn read<T>(&mut self, work: impl FnOnce(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
        self.check()?;
        let session = Session::begin(&mut self.connection, TransactionBehavior::Deferred, &self.machine)?;
        Ok(work(&session)?)
    }

    /// `ttl`: how long a lease lasts that this may grant or renew.
    fn write<T>(&mut self, ttl: Duration, work: impl Fn(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
        self.is_due = true;
        self.change(ttl, work)
    }

    /// The same for what only has to last as long as this process.
    fn change<T>(&mut self, ttl: Duration, work: impl Fn(&Session<'_>) -> Result<T, Stop>) -> Result<T, BackendError> {
        self.is_ahead = true;
        let changed = self.transact(ttl, work);
        changed.map_err(|error| if error::is_failed_write(&error) { self.place.explain(error) } else { error })
    }

    fn transact<T>(
        &mut self,
        ttl: Duration,
        work: impl Fn(&Session<'_>) -> Result<T, Stop>,
    ) -> Result<T, BackendError> {
        loop {
            self.check()?;
            self.held_until = self.held_until.max(Instant::now() + ttl);
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

    /// Refuses a file that was replaced. Once nothing is held in it any more, its connection is closed: until then it keeps
    /// others from opening a file without a log.
    fn check(&mut self) -> Result<(), BackendError> {
        // Without a connection, the files' numbers may be those of new ones.
        if self.is_closed {
            return Err(BackendError::permanent(SqliteError::Replaced));
        }
        let checked = self.place.check();
        if checked.as_ref().is_err_and(error::is_replaced)
            && self.held_until <= Instant::now()
            && let Ok(nothing) = Connection::open_in_memory()
        {
            self.connection = nothing;
            self.is_closed = true;
        }
        checked
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
        Err(Stop::Failed(corrupt)) => Ok(Err(corrupt)),
        entry => Ok(Ok(entry?)),
    }
}
