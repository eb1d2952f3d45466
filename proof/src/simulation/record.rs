//! [`Record`]: what is stored of a lock.

use std::time::{Duration, UNIX_EPOCH};

use shylock_core::{FencingToken, HolderId, HolderInfo, LeaseKey, LockInfo, LockName};

/// What is stored of a lock. Times are milliseconds on the clock of the server that wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The fencing token of the last grant.
    pub(super) token: u64,
    /// The last holder.
    pub(super) holder: HolderId,
    /// What it says of itself.
    pub(super) info: HolderInfo,
    /// When it got the lock.
    pub(super) acquired: u64,
    /// When its lease ends.
    pub(super) ends: u64,
    /// Whether it was given back, or broken.
    pub(super) freed: bool,
}

impl Record {
    pub(super) fn is_of(&self, lease: &LeaseKey) -> bool {
        self.holder == lease.holder && self.token == lease.token.get() && !self.freed
    }

    pub(super) fn is_live(&self, now: u64) -> bool {
        !self.freed && self.ends > now
    }

    pub(super) fn info(&self, name: &LockName, now: u64, grace: u64) -> LockInfo {
        let HolderInfo { host, pid, note } = self.info.clone();
        LockInfo {
            name: name.clone(),
            holder: self.holder,
            token: FencingToken::new(self.token).unwrap_or_else(|| panic!("{} is no token", self.token)),
            host,
            pid,
            note,
            acquired: UNIX_EPOCH + Duration::from_millis(self.acquired),
            remaining: Duration::from_millis(self.ends.saturating_sub(now)),
            takeover_in: Duration::from_millis((self.ends + grace).saturating_sub(now)),
        }
    }
}
