//! The log of the file and the log's index (`-wal`, `-shm`), as they have to be before SQLite opens them.

use std::{fs, io, path::Path, thread, time::Duration};

use rusqlite::ErrorCode as SqlCode;
#[cfg(unix)]
use shylock_core::HolderId;
use shylock_core::{BackendError, Error};

use crate::{
    error::{SqliteError, Stop, code},
    patience::{self, PATIENCE},
    place::{self, COMPANIONS, with},
};

/// Refuses a file whose log was removed while other processes use it: SQLite would create a new one, without their locks. Returns
/// the turn of an opener who will create the log; it has to be kept until the log exists.
pub(crate) fn check_log(path: &Path) -> Result<Option<Turn>, Stop<Error>> {
    let are_there = || COMPANIONS.iter().all(|ending| with(path, ending).exists());
    if are_there() {
        return Ok(None);
    }
    let turn = Turn::take(path, are_there);
    patience::lasts(PATIENCE);
    // Others may be closing the file: its log goes last.
    while !are_there() && !is_alone(path)? {
        if !patience::is_left() {
            return Err(Stop::Failed(BackendError::permanent(SqliteError::LogRemoved).into()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(turn)
}

/// Refuses a file that was emptied or removed beside its log, which SQLite would take for a left-over and remove. No new file
/// looks like that: it has a header before it has a log.
pub(crate) fn check_emptied(path: &Path) -> Result<(), BackendError> {
    let is_empty = |path: &Path| fs::metadata(path).map_or(true, |found| found.len() == 0);
    if is_empty(path) && !is_empty(&with(path, COMPANIONS[0])) {
        let reason = "it was emptied or removed, and its log (-wal) was not: remove that, too";
        return Err(BackendError::permanent(SqliteError::Damaged(reason.into())));
    }
    Ok(())
}

/// Whether no other connection is open: each keeps a shared lock on the file, so that an exclusive one fails. SQLite asks for
/// it before it opens or creates the log.
fn is_alone(path: &Path) -> Result<bool, rusqlite::Error> {
    let connection = place::connect(path)?;
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

/// Creates the companions with the group of the file, where SQLite would give them another one, and with it shut out those who
/// share the file by that group. Says who will be shut out all the same.
#[cfg(unix)]
pub(crate) fn share(path: &Path) -> Option<String> {
    let group = group_to_give(path)?;
    let made = COMPANIONS.into_iter().try_for_each(|ending| make(&with(path, ending), path, group));
    // SQLite creates what is missing, and reports what else is wrong.
    made.err().filter(|error| matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported))?;
    Some(format!(
        "{} belongs to group {group}, and the files beside it will not: its members are shut out, unless the folder gets \
         the setgid bit (chmod g+s)",
        path.display()
    ))
}

#[cfg(not(unix))]
pub(crate) fn share(_: &Path) -> Option<String> {
    None
}

/// The group of the file, if its members may write, and if a new file in this folder would get another one.
#[cfg(unix)]
fn group_to_give(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let (file, folder) = (fs::metadata(path).ok()?, fs::metadata(path.parent()?).ok()?);
    let has_setgid = folder.mode() & 0o2000 != 0;
    let given = if has_setgid { folder.gid() } else { rustix::process::getegid().as_raw() };
    // SQLite gives what root makes to the owner and the group of the file.
    let is_root = rustix::process::geteuid().is_root();
    let counts = file.mode() & 0o060 == 0o060 && file.mode() & 0o006 != 0o006;
    (counts && !is_root && file.gid() != given).then(|| file.gid())
}

/// Creates one that is not there. It gets its name last, so that nobody finds it as it should not be; and it is closed before,
/// as closing it later would drop the locks that SQLite has on it.
#[cfg(unix)]
fn make(companion: &Path, file: &Path, group: u32) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, chown};
    if companion.exists() {
        return Ok(());
    }
    let id = HolderId::random().map_err(io::Error::other)?;
    let new = with(companion, &format!("-{:032x}", u128::from_be_bytes(*id.as_bytes())));
    drop(fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?);
    let ready =
        chown(&new, None, Some(group)).and_then(|()| fs::set_permissions(&new, fs::metadata(file)?.permissions()));
    let named = ready.and_then(|()| match fs::hard_link(&new, companion) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        named => named,
    });
    drop(fs::remove_file(&new));
    named
}
