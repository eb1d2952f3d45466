//! The tasks of a server, so that they can be ended together.

use std::{
    future::Future,
    mem,
    sync::{Mutex, PoisonError},
};

use tokio::task::JoinSet;

#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: Mutex<JoinSet<()>>,
}

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(task);
    }

    /// Ends all, wherever they are, and waits until they are gone. A task that ends may have
    /// started others.
    pub(super) async fn end(&self) {
        loop {
            let mut running = mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
            if running.is_empty() {
                return;
            }
            running.shutdown().await;
        }
    }
}
