//! What is made and checked when the file is opened.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode as SqlCode, Transaction, TransactionBehavior, params};
use shylock_core::{BackendError, Error, Result};

use crate::{
    builder::{Settings, invalid},
    clock::{self, Era, Machine},
    companions,
    error::{self, SqliteError, Stop, before_commit, code, of_commit},
    fork, patience,
    place::{self, Place},
    reach,
    record::micros,
    rights, session,
    store::Store,
};

/// "Shyl": marks an SQLite file as one of ours.
const APPLICATION: i32 = 0x5368_796C;
const VERSION: i32 = 2;

/// How long to wait for others who make the file, which is when all of them wait for the disk.
const OPENING: Duration = Duration::from_secs(10);

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
    CREATE INDEX shylock_held ON shylock_locks (name) WHERE ends <> 0;
";

/// Opens the store, and says what is weak about it. Blocks.
pub(crate) fn open(path: &Path, settings: &Settings) -> Result<(Store, Vec<String>)> {
    let machine = Machine::this()?;
    let (path, was_there) = place::find(path)?;
    let seen = reach::check(&path, settings.network_file_systems)?;
    fork::check_first()?;
    companions::check_emptied(&path)?;
    create(&path, was_there)?;
    let (connection, shut_out) = connect(&path, &machine).map_err(|stop| match stop {
        Stop::Sql(error) => of_opening(error, &path),
        Stop::Failed(error) => error,
    })?;
    let place = Place::new(&path).map_err(BackendError::permanent)?;
    let weaknesses: Vec<String> = seen.into_iter().chain(shut_out).chain(rights::weakness(&path)).collect();
    for weakness in &weaknesses {
        tracing::warn!(path = %path.display(), "{weakness}");
    }
    Ok((Store::new(connection, place, machine, settings.retention), weaknesses))
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

/// Connects, and says who will be shut out.
fn connect(path: &Path, machine: &Machine) -> Result<(Connection, Option<String>), Stop<Error>> {
    patience::lasts(OPENING);
    let _turn = companions::check_log(path)?;
    patience::lasts(OPENING);
    let shut_out = companions::share(path);
    let mut connection = place::connect(path)?;
    connection.busy_handler(Some(patience::wait))?;
    let is_new = judge(&connection.transaction()?)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    use_log(&connection)?;
    // SQLite would read all the same.
    if rights::why_read_only(path).is_some() {
        return Err(read_only(path).into());
    }
    // A writer keeps nobody from reading, and so from opening.
    if is_new || time_before(&connection.transaction()?, machine)?.is_some() {
        patience::lasts(OPENING);
        connection.pragma_update(None, "synchronous", "FULL")?;
        begin(&mut connection, machine, is_new)?;
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok((connection, shut_out))
}

/// The latest time in a file that is of an earlier start of the machine, or new.
fn time_before(file: &Transaction<'_>, machine: &Machine) -> Result<Option<Duration>, rusqlite::Error> {
    let Some((boot, era)) = session::clock(file)? else { return Ok(Some(Duration::ZERO)) };
    let freed = Duration::from_micros(u64::try_from(session::last_freed(file)?).unwrap_or_default());
    let is_over = boot != machine.boot || era.is_over(machine.uptime(), freed.saturating_sub(IN_A_ROW));
    Ok(is_over.then(|| era.reserved.max(freed)))
}

/// Whether the file is still empty; it must be a store otherwise. In one transaction: another process may be making it.
fn judge(file: &Transaction<'_>) -> Result<bool, Stop<Error>> {
    if file.is_readonly(rusqlite::MAIN_DB)? {
        return Err(read_only(file.path().map_or(Path::new(""), Path::new)).into());
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
fn use_log(connection: &Connection) -> Result<(), Stop<Error>> {
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

/// Numbers of releases are times, or follow each other where several come at once.
const IN_A_ROW: Duration = Duration::from_secs(1);

/// Makes the tables, and begins another era after a start of the machine.
fn begin(connection: &mut Connection, machine: &Machine, is_new: bool) -> Result<(), Stop<Error>> {
    let file = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if is_new && judge(&file)? {
        file.execute_batch(SCHEMA)?;
        file.pragma_update(None, "application_id", APPLICATION)?;
        file.pragma_update(None, "user_version", VERSION)?;
    }
    let Some(before) = time_before(&file, machine)? else { return Ok(()) };
    let era = Era::begin(before, clock::wall(), machine.uptime());
    let write = "INSERT INTO shylock_clock (id, boot, began, uptime, reserved) VALUES (1, ?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, began = excluded.began, uptime = excluded.uptime,
            reserved = excluded.reserved";
    let values = params![machine.boot, micros(era.began), micros(era.uptime), micros(era.reserved)];
    file.execute(write, values)?;
    file.commit().map_err(|error| Stop::Failed(of_commit(error).into()))
}

fn of_opening(error: rusqlite::Error, path: &Path) -> Error {
    match code(&error) {
        Some(SqlCode::NotADatabase) => invalid("path", "the file is no SQLite database"),
        Some(SqlCode::PermissionDenied) => invalid("path", format!("the file cannot be opened: {error}")),
        // Otherwise this process, or the system, has too many files open.
        Some(SqlCode::CannotOpen) => match rights::why_denied(path) {
            Some(reason) => invalid("path", format!("the file, or one beside it, cannot be opened: {reason}")),
            None => before_commit(error).into(),
        },
        Some(SqlCode::ReadOnly) => read_only(path),
        _ => {
            let failure = before_commit(error);
            let log = place::with(path, place::COMPANIONS[0]);
            let has_no_room = error::is_failed_opening(&failure) && rights::has_no_room(&log);
            if has_no_room { BackendError::permanent(SqliteError::DiskFull(failure.into())) } else { failure }.into()
        }
    }
}

fn read_only(path: &Path) -> Error {
    let reason = rights::why_denied(path);
    invalid("path", format!("the file may not be written: {}", reason.as_deref().unwrap_or("its disk is read-only")))
}
