//! What a process that was forked has to leave alone: SQLite knows in memory which files it has locked, and a fork copies
//! that, but not the locks.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use shylock_core::BackendError;

use crate::error::SqliteError;

/// The first process that opened a lock file: this one, or one that it was forked from.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Refuses a process whose SQLite believes in locks of another.
pub(crate) fn check_first() -> Result<(), BackendError> {
    match FIRST.compare_exchange(0, process::id(), Relaxed, Relaxed) {
        Ok(_) => Ok(()),
        Err(first) => check(first),
    }
}

/// Refuses what belongs to another process.
pub(crate) fn check(owner: u32) -> Result<(), BackendError> {
    if owner == process::id() { Ok(()) } else { Err(BackendError::permanent(SqliteError::Forked)) }
}
