//! [`Session`]: one transaction on the file, with the time at which it is carried out.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use shylock_core::{
    BackendError, HolderInfo, LockName,
    record::{Entry, Record},
};

use crate::{
    clock::{Era, IS_STEADY, Machine},
    error::{SqliteError, Stop, of_commit},
    record::{self, micros, name},
};

/// How many records a clean-up looks at.
const SWEEP: i64 = 64;

/// A transaction. Dropped, it changes nothing.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    file: Transaction<'a>,
    pub(crate) era: Era,
    pub(crate) now: Duration,
}

impl<'a> Session<'a> {
    /// Begins; the time is read when nobody else can write any more, or when what is to be read is fixed.
    pub(crate) fn begin(
        connection: &'a mut Connection,
        behavior: TransactionBehavior,
        machine: &Machine,
    ) -> Result<Self, Stop> {
        let file = connection.transaction_with_behavior(behavior)?;
        let Some((boot, era)) = clock(&file)? else {
            return Err(BackendError::permanent(SqliteError::Replaced).into());
        };
        let uptime = machine.uptime();
        // Its era began when this machine had not come so far: it is another one with the same name.
        if boot != machine.boot || (IS_STEADY && uptime < era.uptime) {
            return Err(BackendError::permanent(SqliteError::OtherMachine).into());
        }
        Ok(Self { now: era.now(uptime), file, era })
    }

    /// Whether the clock would be here at least after a power failure, too.
    pub(crate) fn is_reserved(&self) -> bool {
        self.now < self.era.reserved
    }

    pub(crate) fn reserve(&self) -> Result<(), Stop> {
        let reserved = micros(self.era.reservation(self.now));
        self.file.execute("UPDATE shylock_clock SET reserved = ?1", [reserved])?;
        Ok(())
    }

    pub(crate) fn entry(&self, name: &LockName) -> Result<Option<Entry>, Stop> {
        let mut select = self.file.prepare_cached("SELECT * FROM shylock_locks WHERE name = ?1")?;
        let found = select.query_row([name.as_str()], |row| Ok(self.read(row))).optional()?;
        Ok(found.transpose().map_err(|detail| BackendError::corrupt(name.clone(), detail))?)
    }

    /// What stands where the token of a lock belongs, if it is a number.
    pub(crate) fn stored_token(&self, name: &LockName) -> Result<Option<u64>, Stop> {
        let mut select = self.file.prepare_cached("SELECT token FROM shylock_locks WHERE name = ?1")?;
        let number = |row: &Row<'_>| Ok(row.get_ref(0)?.as_i64().ok().and_then(|token| u64::try_from(token).ok()));
        Ok(select.query_row([name.as_str()], number).optional()?.flatten())
    }

    /// Writes a new lease down.
    pub(crate) fn grant(&self, name: &LockName, record: &Record, info: &HolderInfo) -> Result<(), Stop> {
        let mut upsert = self.file.prepare_cached(
            "INSERT INTO shylock_locks (name, token, holder, acquired, ends, host, pid, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (name) DO UPDATE SET token = excluded.token, holder = excluded.holder,
                acquired = excluded.acquired, ends = excluded.ends, host = excluded.host, pid = excluded.pid,
                note = excluded.note",
        )?;
        upsert.execute(params![
            name.as_str(),
            token(record),
            record.holder.as_bytes(),
            micros(record.acquired),
            micros(record.ends),
            info.host,
            info.pid,
            info.note
        ])?;
        Ok(())
    }

    /// Writes another end of the lease down.
    pub(crate) fn prolong(&self, name: &LockName, record: &Record) -> Result<(), Stop> {
        let mut update = self.file.prepare_cached("UPDATE shylock_locks SET ends = ?2 WHERE name = ?1")?;
        update.execute(params![name.as_str(), micros(record.ends)])?;
        Ok(())
    }

    /// Writes down that the lock is free, and as what number of all releases: a number that no release has had before, not
    /// even one whose record was removed, since the clock is in it.
    pub(crate) fn free(&self, name: &LockName, record: &Record) -> Result<(), Stop> {
        let mut update = self.file.prepare_cached(
            "UPDATE shylock_locks SET ends = ?2, freed = max(?3, 1 +
                (SELECT coalesce(max(freed), 0) FROM shylock_locks WHERE freed IS NOT NULL))
             WHERE name = ?1",
        )?;
        update.execute(params![name.as_str(), micros(record.ends), micros(self.now)])?;
        Ok(())
    }

    /// The sound records of locks that were not released, in the byte order of their names, from this name on, and only after
    /// the other, as long as they are wanted. The index leaves out the idle ones, of which there may be millions.
    pub(crate) fn scan_held(
        &self,
        from: &str,
        after: &str,
        mut wants_more: impl FnMut(LockName, Entry) -> bool,
    ) -> Result<(), Stop> {
        let mut select = self.file.prepare_cached(
            "SELECT * FROM shylock_locks INDEXED BY shylock_held
             WHERE ends <> 0 AND name >= ?1 AND name > ?2 ORDER BY name",
        )?;
        let mut rows = select.query([from, after])?;
        while let Some(row) = rows.next()? {
            if let (Some(name), Ok(entry)) = (name(row), self.read(row))
                && !wants_more(name, entry)
            {
                break;
            }
        }
        Ok(())
    }

    /// Removes the idle ones of some records, and others the next time.
    pub(crate) fn sweep(&self, retention: Duration) -> Result<(), Stop> {
        let next = "SELECT * FROM shylock_locks WHERE name > (SELECT swept FROM shylock_clock) ORDER BY name LIMIT ?1";
        let mut select = self.file.prepare_cached(next)?;
        let idle = |row: &Row<'_>| {
            let idle = self.read(row).is_ok_and(|entry| entry.record.is_idle(self.now, retention));
            Ok(name(row).filter(|_| idle))
        };
        let idle: Vec<Option<LockName>> = select.query_map([SWEEP], idle)?.collect::<Result<_, _>>()?;
        let mut advance = self.file.prepare_cached(&format!(
            "UPDATE shylock_clock SET swept = coalesce((SELECT max(name) FROM ({next})), '')"
        ))?;
        advance.execute([SWEEP])?;
        // Who listens may not have heard yet of a release that came after a long time.
        let forget = "DELETE FROM shylock_locks WHERE name = ?1 AND coalesce(freed, 0) <= ?2";
        let mut delete = self.file.prepare_cached(forget)?;
        for name in idle.iter().flatten() {
            delete.execute(params![name.as_str(), micros(self.now.saturating_sub(retention))])?;
        }
        Ok(())
    }

    pub(crate) fn commit(self) -> Result<(), BackendError> {
        self.file.commit().map_err(of_commit)
    }

    fn read(&self, row: &Row<'_>) -> Result<Entry, &'static str> {
        record::read(row, &self.era, self.now)
    }
}

/// What the file says of its clock, and under which start of the machine.
pub(crate) fn clock(file: &Connection) -> rusqlite::Result<Option<(String, Era)>> {
    let mut select = file.prepare_cached("SELECT boot, began, uptime, reserved FROM shylock_clock")?;
    let time = |row: &Row<'_>, column| {
        row.get::<_, i64>(column).map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
    };
    let era = |row: &Row<'_>| {
        let era = Era { began: time(row, 1)?, uptime: time(row, 2)?, reserved: time(row, 3)? };
        Ok((row.get(0)?, era))
    };
    select.query_row([], era).optional()
}

/// The number of the last release.
pub(crate) fn last_freed(file: &Connection) -> rusqlite::Result<i64> {
    let last = "SELECT coalesce(max(freed), 0) FROM shylock_locks WHERE freed IS NOT NULL";
    file.prepare_cached(last)?.query_row([], |row| row.get(0))
}

fn token(record: &Record) -> i64 {
    // Below 2^53.
    i64::try_from(record.token.get()).unwrap_or(i64::MAX)
}
