//! Counters that tests read.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// What a server has counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests of any kind.
    pub requests: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Executions by text.
    pub queries: BTreeMap<String, u64>,
    /// Answers by error number, scripted ones included.
    pub errors: BTreeMap<u32, u64>,
    /// Writes that failed because the lock of the key was not free in time.
    pub lock_timeouts: u64,
    /// Writes that failed because the key was committed after the snapshot.
    pub late_snapshots: u64,
    /// Writes that failed because `_rev` was another.
    pub other_revisions: u64,
    /// Patches without content.
    pub empty_patches: u64,
    /// Commits that wrote something.
    pub commits: u64,
    /// Documents that queries went through one by one.
    pub scanned_full: u64,
    /// Entries of indexes that queries read.
    pub scanned_index: u64,
    /// Answers from the cache of results.
    pub cached_results: u64,
    /// Logins that succeeded.
    pub logins: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    counters: Mutex<Counters>,
}

impl Tally {
    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.counters.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn read(&self) -> Counters {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
