//! [`Notices`]: the names of the locks that come free, whoever frees them, for all who listen.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
    mpsc::Sender,
};

use shylock_core::{BackendError, LockName};
use tokio::sync::mpsc;

use crate::{alarm::Alarm, store::Store, worker::Message};

/// How many names may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;

/// Who listens, and what they have heard.
#[derive(Debug)]
pub(crate) struct Notices {
    listeners: Vec<mpsc::Sender<LockName>>,
    /// The number of the last release that they have been told of.
    told: i64,
    /// While somebody listens.
    alarm: Option<Alarm>,
    /// Whether a message is on its way already: while a request waits for other processes, one is enough.
    rung: Arc<AtomicBool>,
    messages: Sender<Message>,
}

impl Notices {
    /// Nobody listens. There a message comes to have the file looked at.
    pub(crate) fn new(messages: Sender<Message>) -> Self {
        Self { listeners: Vec::new(), told: 0, alarm: None, rung: Arc::default(), messages }
    }

    /// What comes free from now on. It ends when something may have been missed.
    pub(crate) fn listen(&mut self, store: &mut Store) -> Result<mpsc::Receiver<LockName>, BackendError> {
        if self.listeners.is_empty() {
            self.told = store.last_freed()?;
        }
        if self.alarm.is_none() {
            let (messages, rung) = (self.messages.clone(), Arc::clone(&self.rung));
            let ring = move || rung.swap(true, Relaxed) || messages.send(Message::Look).is_ok();
            let alarm = Alarm::start(&store.log(), ring);
            self.alarm = Some(alarm.map_err(|error| BackendError::not_applied(error, None))?);
        }
        let (listener, names) = mpsc::channel(UNHEARD);
        self.listeners.push(listener);
        Ok(names)
    }

    /// Tells what has come free since the last look. A file that cannot be read ends all streams.
    pub(crate) fn look(&mut self, store: &mut Store) {
        self.rung.store(false, Relaxed);
        self.listeners.retain(|listener| !listener.is_closed());
        if self.listeners.is_empty() {
            self.alarm = None;
            return;
        }
        match store.freed_since(self.told) {
            Ok(freed) => freed.into_iter().for_each(|(number, name)| self.tell(number, &name)),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the notices of the locks have ended");
                self.listeners.clear();
            }
        }
    }

    fn tell(&mut self, number: i64, name: &LockName) {
        self.told = number;
        self.listeners.retain(|listener| listener.try_send(name.clone()).is_ok());
    }
}
