//! [`Worker`]: the thread on which a connection lives, since its calls block.

use std::{sync::mpsc, thread};

use shylock_core::{BackendError, Error, Result};
use tokio::sync::oneshot;

use crate::{notices::Notices, store::Store};

type Job = Box<dyn FnOnce(&mut Store, &mut Notices) + Send>;

/// What the thread is told.
pub(crate) enum Message {
    Do(Job),
    /// Another process may have freed a lock.
    Look,
    /// Nobody is left who would ask for anything.
    End,
}

/// Hands requests to the thread. Dropped, it lets the thread do what was asked for, and end.
#[derive(Debug)]
pub(crate) struct Worker(mpsc::Sender<Message>);

impl Worker {
    /// Starts the thread with a store that is opened there.
    pub(crate) async fn start(open: impl FnOnce() -> Result<Store> + Send + 'static) -> Result<Self> {
        let (messages, queue) = mpsc::channel();
        let (tell, opened) = oneshot::channel();
        let notices = Notices::new(messages.clone());
        let life = move || match open() {
            Ok(store) => {
                if tell.send(Ok(())).is_ok() {
                    work(store, notices, &queue);
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        let thread = thread::Builder::new().name("shylock-sqlite".into()).spawn(life);
        thread.map_err(|error| Error::from(BackendError::not_applied(error, None)))?;
        // From here on somebody ends the thread, whatever becomes of this future.
        let worker = Self(messages);
        opened.await.unwrap_or_else(|_| Err(gone().into()))?;
        Ok(worker)
    }

    /// Has this done. It is done even if nobody waits for the answer any more.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store, &mut Notices) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (tell, answer) = oneshot::channel();
        let job = move |store: &mut Store, notices: &mut Notices| drop(tell.send(job(store, notices)));
        self.0.send(Message::Do(Box::new(job))).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.send(Message::End));
    }
}

fn gone() -> BackendError {
    BackendError::ambiguous("the thread of the lock file has ended")
}

fn work(mut store: Store, mut notices: Notices, queue: &mpsc::Receiver<Message>) {
    for message in queue {
        match message {
            Message::Do(job) => job(&mut store, &mut notices),
            Message::Look => {}
            Message::End => return,
        }
        notices.look(&mut store);
    }
}
