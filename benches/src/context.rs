//! What the rows share.

use std::sync::atomic::{AtomicU32, Ordering};

use shylock_core::LockManager;

use crate::{outcome::Outcome, row::Goal, scale::Scale, store::Store};

pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) scale: Scale,
    names: AtomicU32,
}

impl Context {
    pub(crate) const fn new(store: Store, scale: Scale) -> Self {
        Self { store, scale, names: AtomicU32::new(0) }
    }

    /// A manager with connections of its own.
    pub(crate) async fn manager(&self) -> Outcome<LockManager> {
        Ok(LockManager::from(self.store.connect().await?))
    }

    /// A name that nobody else has, not even an earlier run on the same server.
    pub(crate) fn name(&self, what: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{what}-{}-{}-{number}", std::process::id(), crate::monotonic::now())
    }

    /// The goal of a ratio to a call of the store. A store in memory has none: its calls take no time.
    pub(crate) const fn goal(&self, goal: Goal) -> Goal {
        if self.store.is_memory() { Goal::None } else { goal }
    }
}
