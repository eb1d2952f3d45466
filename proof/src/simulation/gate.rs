//! [`Gate`]: a state to wait for. Tokio's `watch` wakes those who wait in an order that it rolls dice for; this one in the
//! order in which they came.

use std::sync::Mutex;

use tokio::sync::Notify;

use super::world::lock;

/// A state to wait for.
#[derive(Debug)]
pub(super) struct Gate<T> {
    state: Mutex<T>,
    changed: Notify,
}

impl<T: Copy + PartialEq> Gate<T> {
    pub(super) fn new(state: T) -> Self {
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    pub(super) fn state(&self) -> T {
        *lock(&self.state)
    }

    pub(super) fn set(&self, state: T) {
        *lock(&self.state) = state;
        self.changed.notify_waiters();
    }

    pub(super) async fn until(&self, state: T) {
        loop {
            let changed = self.changed.notified();
            if self.state() == state {
                return;
            }
            changed.await;
        }
    }
}
