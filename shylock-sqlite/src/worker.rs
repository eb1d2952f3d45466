//! [`Worker`]: the thread on which a connection lives, since its calls block.

use std::{sync::mpsc, thread};

use shylock_core::{BackendError, Error, Result};
use tokio::sync::oneshot;

use crate::{notices::Notices, store::Store};

type Job = Box<dyn FnOnce(&mut Store, &mut Notices) + Send>;

/// Hands requests to the thread. It ends when this is gone and all that was asked for is done.
#[derive(Debug)]
pub(crate) struct Worker(mpsc::Sender<Job>);

impl Worker {
    /// Starts the thread with a store that is opened there.
    pub(crate) async fn start(open: impl FnOnce() -> Result<Store> + Send + 'static) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (tell, opened) = oneshot::channel();
        let life = move || match open() {
            Ok(store) => {
                if tell.send(Ok(())).is_ok() {
                    work(store, &queue);
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        let thread = thread::Builder::new().name("shylock-sqlite".into()).spawn(life);
        thread.map_err(|error| Error::from(BackendError::not_applied(error, None)))?;
        opened.await.unwrap_or_else(|_| Err(gone().into()))?;
        Ok(Self(jobs))
    }

    /// Has this done. It is done even if nobody waits for the answer any more.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store, &mut Notices) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (tell, answer) = oneshot::channel();
        let job = move |store: &mut Store, notices: &mut Notices| drop(tell.send(job(store, notices)));
        self.0.send(Box::new(job)).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> BackendError {
    BackendError::ambiguous("the thread of the lock file has ended")
}

fn work(mut store: Store, queue: &mpsc::Receiver<Job>) {
    let mut notices = Notices::default();
    loop {
        let job = match notices.pause() {
            Some(pause) => queue.recv_timeout(pause),
            None => queue.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        match job {
            Ok(job) => job(&mut store, &mut notices),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        notices.look(&mut store);
    }
}
