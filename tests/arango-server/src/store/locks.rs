//! Locks of keys. They are held until the end of a transaction.

use std::{collections::HashMap, pin::pin, sync::PoisonError, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::Store;

/// As long as queries wait for the lock of a key.
const PATIENCE: Duration = Duration::from_millis(1);

pub(super) type Locks = HashMap<LockName, u64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum LockName {
    Key {
        collection: u64,
        key: String,
    },
    /// A value in a unique index.
    Unique {
        index: u64,
        value: String,
    },
}

impl Store {
    /// Whether the transaction got the lock in time.
    pub(super) async fn lock(&self, name: &LockName, transaction: u64) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if self.try_lock(name, transaction) {
                return true;
            }
            if timeout_at(deadline, freed).await.is_err() {
                return self.try_lock(name, transaction);
            }
        }
    }

    pub(super) fn unlock(&self, names: &[LockName]) {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            locks.remove(name);
        }
        drop(locks);
        self.freed.notify_waiters();
    }

    fn try_lock(&self, name: &LockName, transaction: u64) -> bool {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        *locks.entry(name.clone()).or_insert(transaction) == transaction
    }
}
