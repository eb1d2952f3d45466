//! [`Notices`]: the names of the locks that come free, whoever frees them, for all who listen.

use std::time::Duration;

use shylock_core::{BackendError, LockName};
use tokio::sync::mpsc;

use crate::store::Store;

/// How often the file is looked at while somebody listens.
const LOOK: Duration = Duration::from_millis(5);
/// How many names may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;

/// Who listens, and what they have heard.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    listeners: Vec<mpsc::Sender<LockName>>,
    /// Up to which release they have been told.
    told: i64,
}

impl Notices {
    /// What comes free from now on. It ends when something may have been missed.
    pub(crate) fn listen(&mut self, store: &mut Store) -> Result<mpsc::Receiver<LockName>, BackendError> {
        if self.listeners.is_empty() {
            self.told = store.last_freed()?;
        }
        let (listener, names) = mpsc::channel(UNHEARD);
        self.listeners.push(listener);
        Ok(names)
    }

    /// How long to wait until the next look; `None`: nobody listens.
    pub(crate) fn pause(&self) -> Option<Duration> {
        (!self.listeners.is_empty()).then_some(LOOK)
    }

    /// Tells what has come free since the last look. A file that cannot be read ends all streams.
    pub(crate) fn look(&mut self, store: &mut Store) {
        self.listeners.retain(|listener| !listener.is_closed());
        if self.listeners.is_empty() {
            return;
        }
        match store.freed_since(self.told) {
            Ok(freed) => freed.into_iter().for_each(|(position, name)| self.tell(position, &name)),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the notices of the locks have ended");
                self.listeners.clear();
            }
        }
    }

    fn tell(&mut self, position: i64, name: &LockName) {
        self.told = position;
        self.listeners.retain(|listener| listener.try_send(name.clone()).is_ok());
    }
}
