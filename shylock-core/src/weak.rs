//! [`WeakLockManager`]: a manager that somebody else may still use.

use std::sync::{Arc, Weak};

use crate::{LockManager, engine::Engine};

/// A handle that does not keep the manager alive: see [`LockManager::downgrade`].
#[derive(Debug, Clone)]
pub struct WeakLockManager(Weak<Engine>);

impl LockManager {
    /// A handle that does not keep the manager alive. Locks, guards and releases under way do.
    #[must_use]
    pub fn downgrade(&self) -> WeakLockManager {
        WeakLockManager(Arc::downgrade(self.engine()))
    }
}

impl WeakLockManager {
    /// The manager, if it is still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<LockManager> {
        self.0.upgrade().map(|engine| LockManager::of(&engine))
    }
}
