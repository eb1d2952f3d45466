//! What a failure of SQLite means for the request that failed.

use std::error::Error as _;

use rusqlite::{ErrorCode, ffi};
use shylock_core::{BackendError, Error};

/// Why the lock file failed: the [source](std::error::Error::source) of an [`Error::Backend`](shylock_core::Error::Backend).
/// [`Busy`](Self::Busy) passes by itself (`retryable: true`), [`Other`](Self::Other) may, as `retryable` says; for the rest
/// somebody has to mend something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// There is no room for what was to be written: the disk is full, or the quota of the user, or the size that this
    /// process may give a file (`ulimit -f`). What is held stays held until its lease ends; make room, and all goes on.
    #[error("there is no room for the lock file: its disk or a quota is full, or files may not grow further")]
    DiskFull(#[source] Source),
    /// Other processes were writing all the time; or one of them was stopped in the middle of it.
    #[error("other processes kept the lock file busy for seconds")]
    Busy(#[source] Source),
    /// The path of the file, or of its log (`-wal`, `-shm`), leads to another file than the one that was opened, or to none.
    /// Processes with the one and processes with the other would not see each other's locks: whoever held one has lost it.
    #[error(
        "the lock file, or its log beside it (-wal, -shm), was removed or replaced since it was opened: end all programs \
         that use it, then start them again"
    )]
    Replaced,
    /// The log of the file (`-wal`, `-shm`) is not there, and yet other processes have the file open: it was removed, and their
    /// locks cannot be seen. It can be opened again when they have ended.
    #[error(
        "the log of the lock file (-wal, -shm) was removed while other processes use it, whose locks cannot be seen any \
         more: end them, then try again"
    )]
    LogRemoved,
    /// The kernel does not tell which start of the machine this is, as in a unit of systemd with `ProcSubset=pid`.
    #[error("/proc/sys/kernel/random/boot_id cannot be read, by which leases from before a restart are known")]
    NoBootId(#[source] std::io::Error),
    /// Somebody opened the file under another kernel while this process had it open: a virtual machine, or another host.
    #[error("another machine uses the lock file: give each machine a file of its own, or use a lock server")]
    OtherMachine,
    /// This process was forked from one that had opened a lock file, this one or another: SQLite here believes that it
    /// has locks on the file which only the other has.
    #[error("this process was forked from one that had opened a lock file: open it only after the fork")]
    Forked,
    /// The container has a `boot_id` of its own, as LXC, Incus and systemd-nspawn give it one. By that the machine would
    /// seem to have been started again, which ends all leases.
    #[error(
        "the kernel's boot_id is hidden here, as in LXC and systemd-nspawn, so leases of the host's processes cannot be \
         told from those before a restart: unmount /proc/sys/kernel/random/boot_id, or use a lock server"
    )]
    HiddenBoot,
    /// This process has made a time namespace for its children, and cannot tell its own offset from the machine's clock.
    #[error("this process and its children are in different time namespaces: open the lock file in a child")]
    OtherTime,
    /// The file is not what SQLite has written. A new file in its place knows nothing of the old one's tokens: if that
    /// one's clock was ahead of the wall clock, by up to ten minutes for each restart of the machine, or more where the
    /// wall clock was set back, new tokens may be smaller than old ones for as long.
    #[error(
        "the lock file is damaged: stop all programs that use it, and remove it; tokens of the new file may be smaller \
         than those before for up to ten minutes per restart of the machine"
    )]
    Damaged(#[source] Source),
    /// Anything else that SQLite says.
    #[error("the lock file cannot be used")]
    Other(#[source] Source),
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What ends a transaction before it has changed anything, or the opening of the file.
#[derive(Debug)]
pub(crate) enum Stop<E = BackendError> {
    Sql(rusqlite::Error),
    Failed(E),
}

impl<E> From<rusqlite::Error> for Stop<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Stop<Error> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Stop> for BackendError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Sql(error) => before_commit(error),
            Stop::Failed(error) => error,
        }
    }
}

/// Nothing was committed, and the transaction is rolled back.
pub(crate) fn before_commit(error: rusqlite::Error) -> BackendError {
    let passes = may_pass(code(&error));
    let error = named(error);
    if passes { BackendError::not_applied(error, None) } else { BackendError::permanent(error) }
}

/// The commit failed. It is carried out by its last write; a disk that is full did not take that one. After any other
/// failure of a disk the write may be there all the same, to be found by whoever opens the file next.
pub(crate) fn of_commit(error: rusqlite::Error) -> BackendError {
    match code(&error) {
        Some(ErrorCode::SystemIoFailure) => BackendError::ambiguous(named(error)),
        _ => before_commit(error),
    }
}

pub(crate) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// Whether a write to the disk failed, of which SQLite keeps the reason to itself.
pub(crate) fn is_failed_write(error: &BackendError) -> bool {
    io_failure(error) == Some(ffi::SQLITE_IOERR_WRITE)
}

/// The same while nothing was to be committed.
pub(crate) fn is_failed_opening(error: &BackendError) -> bool {
    let codes =
        [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];
    io_failure(error).is_some_and(|code| codes.contains(&code))
}

fn io_failure(error: &BackendError) -> Option<i32> {
    let error = match error.source().and_then(|source| source.downcast_ref()) {
        Some(SqliteError::Other(error)) => error.downcast_ref(),
        _ => None,
    };
    error.and_then(rusqlite::Error::sqlite_extended_error_code)
}

/// Whether the file is not the one that was opened any more.
pub(crate) fn is_replaced(error: &BackendError) -> bool {
    error.source().is_some_and(|source| matches!(source.downcast_ref(), Some(SqliteError::Replaced)))
}

fn named(error: rusqlite::Error) -> SqliteError {
    let code = code(&error);
    let error = Box::new(error);
    match code {
        Some(ErrorCode::DiskFull) => SqliteError::DiskFull(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqliteError::Busy(error),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => SqliteError::Damaged(error),
        _ => SqliteError::Other(error),
    }
}

/// Whether the same request may succeed without anybody mending anything.
const fn may_pass(code: Option<ErrorCode>) -> bool {
    matches!(
        code,
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
        )
    )
}

#[cfg(test)]
mod tests {
    use shylock_core::Failure;

    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_is_not() {
        let codes =
            [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_PROTOCOL, ffi::SQLITE_NOMEM, ffi::SQLITE_CANTOPEN];
        for code in codes.into_iter().chain([ffi::SQLITE_IOERR_WRITE]) {
            assert_eq!(*before_commit(failure(code)).failure(), Failure::NotApplied, "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_CORRUPT, ffi::SQLITE_READONLY, ffi::SQLITE_NOTADB] {
            assert_eq!(*before_commit(failure(code)).failure(), Failure::Permanent, "{code}");
            assert_eq!(*of_commit(failure(code)).failure(), Failure::Permanent, "{code}");
        }
        assert_eq!(*before_commit(rusqlite::Error::InvalidQuery).failure(), Failure::Permanent);
    }

    #[test]
    fn a_disk_that_fails_in_a_commit_leaves_it_open_whether_it_took_it() {
        assert_eq!(*of_commit(failure(ffi::SQLITE_IOERR_FSYNC)).failure(), Failure::Ambiguous);
        assert_eq!(*of_commit(failure(ffi::SQLITE_BUSY)).failure(), Failure::NotApplied);
    }

    #[test]
    fn a_user_can_tell_a_full_disk() {
        let error = Error::from(of_commit(failure(ffi::SQLITE_FULL)));
        let Error::Backend { retryable: false, source } = error else { panic!("{error:?}") };
        assert!(matches!(source.downcast_ref(), Some(SqliteError::DiskFull(_))), "{source:?}");
        assert!(source.to_string().contains("no room for the lock file"), "{source:?}");
    }
}
