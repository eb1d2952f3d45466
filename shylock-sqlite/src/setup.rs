//! What is made and checked when the file is opened.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode as SqlCode, OpenFlags, Transaction, TransactionBehavior, params};
use shylock_core::{BackendError, Error, Result};

use crate::{
    builder::{Settings, invalid},
    clock::{self, Era, Machine},
    error::{SqliteError, before_commit, code, of_commit},
    fork, patience,
    place::{self, Place},
    record::micros,
    session,
    store::Store,
};

/// "Shyl": marks an SQLite file as one of ours.
const APPLICATION: i32 = 0x5368_796C;
const VERSION: i32 = 1;

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
    let machine = Machine::this()?;
    let (path, was_there) = place::find(path)?;
    place::check_reach(&path, settings.network_file_systems)?;
    fork::check_first()?;
    create(&path, was_there)?;
    let connection = connect(&path, &machine).map_err(|failed| match failed {
        Failed::Sql(error) => of_opening(error, &path),
        Failed::Told(error) => error,
    })?;
    let place = Place::new(path).map_err(BackendError::permanent)?;
    Ok(Store { connection, place, machine, retention: settings.retention })
}

enum Failed {
    Sql(rusqlite::Error),
    Told(Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// Makes an empty file for its owner only; its companions get the same rights from SQLite, which would have made it for
/// all whom the `umask` lets in.
fn create(path: &Path, was_there: bool) -> Result<()> {
    /// Closing the new file would drop the locks that another thread had on it by then: whoever finds it waits.
    static CREATING: Mutex<()> = Mutex::new(());
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    if was_there {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::AlreadyExists => Ok(()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Err(invalid("path", format!("the file cannot be made: {error}")))
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Err(BackendError::permanent(SqliteError::DiskFull(error.into())).into())
            }
            _ => Err(BackendError::not_applied(error, None).into()),
        },
    }
}

fn connect(path: &Path, machine: &Machine) -> Result<Connection, Failed> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(patience::wait))?;
    patience::counts_from(Instant::now());
    let is_new = judge(&connection.transaction()?)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    use_log(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    patience::counts_from(Instant::now());
    begin(&mut connection, machine, is_new)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Whether the file is still empty; it must be a store otherwise. In one transaction: another process may be making it.
fn judge(file: &Transaction<'_>) -> Result<bool, Failed> {
    if file.is_readonly(rusqlite::MAIN_DB)? {
        return Err(invalid("path", "the file may not be written").into());
    }
    let pragma = |name| file.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = pragma("application_id")?;
    let version = pragma("user_version")?;
    let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION, VERSION) => Ok(false),
        (APPLICATION, _) => {
            let reason = format!("the file is of version {version} of its format, this program has {VERSION}");
            Err(invalid("path", reason).into())
        }
        (0, 0) if tables == 0 => Ok(true),
        _ => Err(invalid("path", "it is the database of another program").into()),
    }
}

/// Has SQLite write ahead into a log. SQLite does not wait for others here, so we do.
fn use_log(connection: &Connection) -> Result<(), Failed> {
    let mode = loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Err(error) if code(&error) == Some(SqlCode::DatabaseBusy) && patience::is_left() => {
                thread::sleep(Duration::from_millis(1));
            }
            mode => break mode?,
        }
    };
    if mode == "wal" {
        Ok(())
    } else {
        Err(invalid("path", format!("SQLite cannot write ahead there, only {mode:?}")).into())
    }
}

/// Makes the tables, and begins another era after a start of the machine.
fn begin(connection: &mut Connection, machine: &Machine, is_new: bool) -> Result<(), Failed> {
    let file = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if is_new && judge(&file)? {
        file.execute_batch(SCHEMA)?;
        file.pragma_update(None, "application_id", APPLICATION)?;
        file.pragma_update(None, "user_version", VERSION)?;
    }
    let known = session::clock(&file)?;
    if known.as_ref().is_some_and(|(boot, _)| *boot == machine.boot) {
        return Ok(());
    }
    let era = Era::begin(known.map(|(_, era)| era.reserved), clock::wall(), machine.uptime());
    let write = "INSERT INTO shylock_clock (id, boot, began, uptime, reserved) VALUES (1, ?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, began = excluded.began, uptime = excluded.uptime,
            reserved = excluded.reserved";
    let values = params![machine.boot, micros(era.began), micros(era.uptime), micros(era.reserved)];
    file.execute(write, values)?;
    file.commit().map_err(|error| Failed::Told(of_commit(error).into()))
}

fn of_opening(error: rusqlite::Error, path: &Path) -> Error {
    match code(&error) {
        Some(SqlCode::NotADatabase) => invalid("path", "the file is no SQLite database"),
        Some(SqlCode::PermissionDenied) => invalid("path", format!("the file cannot be opened: {error}")),
        // Otherwise this process, or the system, has too many files open.
        Some(SqlCode::CannotOpen) if place::is_denied(path) => {
            invalid("path", format!("the file, or one beside it, cannot be opened: {error}"))
        }
        Some(SqlCode::ReadOnly) => invalid("path", "the file, or its folder, may not be written"),
        _ => before_commit(error).into(),
    }
}
