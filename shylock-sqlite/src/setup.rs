//! What is made and checked when the file is opened.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};
use shylock_core::{BackendError, Error, Result};

use crate::{
    builder::{Settings, invalid},
    clock::{self, Era, Machine},
    error::{before_commit, code, of_commit},
    place::{self, Place},
    record::micros,
    session,
    store::Store,
};

/// "Shyl": marks an SQLite file as one of ours.
const APPLICATION: i32 = 0x5368_796C;
const VERSION: i32 = 1;
/// How long to wait for other processes that write.
const PATIENCE: Duration = Duration::from_secs(3);

/// Times are microseconds on the file's clock. The checks keep out what no program of ours writes.
const SCHEMA: &str = "
    CREATE TABLE shylock_clock (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        boot TEXT NOT NULL,
        began INTEGER NOT NULL CHECK (began >= 0),
        uptime INTEGER NOT NULL CHECK (uptime >= 0),
        reserved INTEGER NOT NULL CHECK (reserved >= began),
        swept TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE shylock_locks (
        name TEXT NOT NULL PRIMARY KEY,
        token INTEGER NOT NULL CHECK (token BETWEEN 1 AND 9007199254740991),
        holder BLOB NOT NULL CHECK (length(holder) = 16),
        acquired INTEGER NOT NULL CHECK (acquired >= 0),
        ends INTEGER NOT NULL CHECK (ends >= 0),
        host TEXT,
        pid INTEGER,
        note TEXT,
        freed INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX shylock_freed ON shylock_locks (freed) WHERE freed IS NOT NULL;
";

/// Opens the store. Blocks.
pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Store> {
    let machine = Machine::this().map_err(BackendError::permanent)?;
    let (path, was_there) = place::find(path)?;
    place::check_reach(&path, settings.network_file_systems)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(of_opening)?;
    if !was_there {
        for_its_owner(&path)?;
    }
    connection.busy_handler(Some(wait)).map_err(of_opening)?;
    let is_new = judge(&connection.transaction().map_err(of_opening)?)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(of_opening)?;
    use_log(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(of_opening)?;
    begin(&mut connection, &machine, is_new)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(of_opening)?;
    let place = Place::new(path).map_err(BackendError::permanent)?;
    Ok(Store { connection, place, machine, retention: settings.retention })
}

/// Called with how often it was called before. Short pauses, or it would always be the newcomers that find the file free.
fn wait(times: i32) -> bool {
    let pause = Duration::from_micros(100 * u64::from(times.unsigned_abs().min(9) + 1));
    thread::sleep(pause);
    pause.saturating_mul(times.unsigned_abs()) < PATIENCE
}

/// Whether the file is still empty; it must be a store otherwise. In one transaction: another process may be making it.
fn judge(file: &Transaction<'_>) -> Result<bool> {
    if file.is_readonly(rusqlite::MAIN_DB).map_err(of_opening)? {
        return Err(invalid("path", "the file may not be written"));
    }
    let pragma = |name| file.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = pragma("application_id").map_err(of_opening)?;
    let version = pragma("user_version").map_err(of_opening)?;
    let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(of_opening)?;
    match (application, version) {
        (APPLICATION, VERSION) => Ok(false),
        (APPLICATION, _) => {
            Err(invalid("path", format!("the file is of version {version} of its format, this program has {VERSION}")))
        }
        (0, 0) if tables == 0 => Ok(true),
        _ => Err(invalid("path", "it is the database of another program")),
    }
}

/// Has SQLite write ahead into a log. SQLite does not wait for others here, so we do.
fn use_log(connection: &Connection) -> Result<()> {
    let since = Instant::now();
    let mode = loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Err(error) if code(&error) == Some(ErrorCode::DatabaseBusy) && since.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(1));
            }
            mode => break mode.map_err(of_opening)?,
        }
    };
    if mode == "wal" { Ok(()) } else { Err(invalid("path", format!("SQLite cannot write ahead there, only {mode:?}"))) }
}

/// Makes the tables, and begins another era after a start of the machine.
fn begin(connection: &mut Connection, machine: &Machine, is_new: bool) -> Result<()> {
    let file = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(of_opening)?;
    // Another process may have been faster.
    if is_new && judge(&file)? {
        file.execute_batch(SCHEMA).map_err(of_opening)?;
        file.pragma_update(None, "application_id", APPLICATION).map_err(of_opening)?;
        file.pragma_update(None, "user_version", VERSION).map_err(of_opening)?;
    }
    let known = session::clock(&file).map_err(of_opening)?;
    if known.as_ref().is_some_and(|(boot, _)| *boot == machine.boot) {
        return Ok(());
    }
    let era = Era::begin(known.map(|(_, era)| era.reserved), clock::wall(), machine.uptime());
    let write = "INSERT INTO shylock_clock (id, boot, began, uptime, reserved) VALUES (1, ?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, began = excluded.began, uptime = excluded.uptime,
            reserved = excluded.reserved";
    let values = params![machine.boot, micros(era.began), micros(era.uptime), micros(era.reserved)];
    file.execute(write, values).map_err(of_opening)?;
    file.commit().map_err(|error| of_commit(error).into())
}

/// Its companions get the same rights from SQLite.
#[cfg(unix)]
fn for_its_owner(path: &Path) -> Result<()> {
    let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    Ok(std::fs::set_permissions(path, owner).map_err(BackendError::permanent)?)
}

#[cfg(not(unix))]
fn for_its_owner(_: &Path) -> Result<()> {
    Ok(())
}

fn of_opening(error: rusqlite::Error) -> Error {
    match code(&error) {
        Some(ErrorCode::NotADatabase) => invalid("path", "the file is no SQLite database"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            invalid("path", format!("the file cannot be opened: {error}"))
        }
        Some(ErrorCode::ReadOnly) => invalid("path", "the file, or its folder, may not be written"),
        _ => before_commit(error).into(),
    }
}
