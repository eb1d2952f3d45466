//! The log of the file and the log's index (`-wal`, `-shm`), as they have to be before SQLite opens them.

use std::{fs, io, path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode as SqlCode, OpenFlags};
use shylock_core::{BackendError, Error};

use crate::{
    error::{SqliteError, code},
    patience,
    place::{COMPANIONS, with},
};

/// Refuses a file whose log was removed while others use it: SQLite would make a new one, in which their locks are not. Who is
/// about to make a log has the turn, to be kept until it is there.
pub(crate) fn check_log(path: &Path) -> Result<Option<Turn>, Refused> {
    let are_there = || COMPANIONS.iter().all(|ending| with(path, ending).exists());
    if are_there() {
        return Ok(None);
    }
    let turn = Turn::take(path, are_there);
    // Others may be closing the file: its log goes last.
    while !are_there() && !is_alone(path)? {
        if !patience::is_left() {
            return Err(Refused::Told(BackendError::permanent(SqliteError::LogRemoved).into()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(turn)
}

/// Why the file is not opened.
pub(crate) enum Refused {
    Sql(rusqlite::Error),
    Told(Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// Whether nobody else has the file open. Whoever has it keeps a shared lock on it, with which SQLite gives nobody the file for
/// himself; it does not get as far as making a log.
fn is_alone(path: &Path) -> Result<bool, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // It is refused for that, next.
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Ok(true);
    }
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
        Err(error) if code(&error) == Some(SqlCode::DatabaseBusy) => Ok(false),
        found => found.map(|_| true),
    }
}

/// The right of one process, and one thread of it, to open files in a folder whose logs are not there. Many that asked whether
/// they are alone at once would keep each other from being so.
#[derive(Debug)]
pub(crate) struct Turn {
    #[cfg(unix)]
    _folder: rustix::fd::OwnedFd,
}

#[cfg(unix)]
impl Turn {
    /// Waits for it, as long as it is wanted. Where there is none, or another process keeps it, one goes on without.
    fn take(path: &Path, is_done: impl Fn() -> bool) -> Option<Self> {
        use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(path.parent()?, flags, Mode::empty()).ok()?;
        while let Err(error) = flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK || is_done() || !patience::is_left() {
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
        Some(Self { _folder: folder })
    }
}

#[cfg(not(unix))]
impl Turn {
    fn take(_: &Path, _: impl Fn() -> bool) -> Option<Self> {
        None
    }
}

/// Makes the companions with the group of the file, where SQLite would give them another one, and with it shut out those who
/// share the file by that group.
#[cfg(unix)]
pub(crate) fn share(path: &Path) -> io::Result<()> {
    let Some(group) = group_to_give(path)? else { return Ok(()) };
    COMPANIONS.into_iter().try_for_each(|ending| make(&with(path, ending), path, group))
}

#[cfg(not(unix))]
pub(crate) fn share(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The group of the file, if it counts, and if a new file in this folder would get another one.
#[cfg(unix)]
fn group_to_give(path: &Path) -> io::Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt;
    let (file, folder) = (fs::metadata(path)?, fs::metadata(path.parent().unwrap_or(path))?);
    let has_setgid = folder.mode() & 0o2000 != 0;
    let given = if has_setgid { folder.gid() } else { rustix::process::getegid().as_raw() };
    // SQLite gives what root makes to the owner and the group of the file.
    let is_root = rustix::process::geteuid().is_root();
    let counts = file.mode() & 0o060 != 0 && file.mode() & 0o006 != 0o006;
    Ok((counts && !is_root && file.gid() != given).then(|| file.gid()))
}

/// Makes one that is not there. It gets its name last, so that nobody finds it as it should not be; and it is closed before,
/// as closing it later would drop the locks that SQLite has on it.
#[cfg(unix)]
fn make(companion: &Path, file: &Path, group: u32) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, chown};
    if companion.exists() {
        return Ok(());
    }
    let new = with(companion, &format!("-{}-{:?}", std::process::id(), thread::current().id()));
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let named = made.and_then(|made| {
        drop(made);
        chown(&new, None, Some(group))?;
        fs::set_permissions(&new, fs::metadata(file)?.permissions())?;
        fs::hard_link(&new, companion)
    });
    drop(fs::remove_file(&new));
    named.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}
