//! [`Worker`]: the thread on which a connection lives, since its calls block.

use std::{
    mem, process,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use shylock_core::{BackendError, Error, Result};
use tokio::sync::oneshot;

use crate::{fork, notices::Notices, patience, store::Store};

const GONE: &str = "the thread of the lock file has ended";

/// How long nothing was asked for when the store looks after itself.
const QUIET: Duration = Duration::from_secs(1);
/// How long a handle that is dropped waits until the file is closed.
const CLOSING: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&mut Store, &mut Notices) + Send>;

/// What the thread is told.
pub(crate) enum Message {
    /// Asked for at that time.
    Do(Instant, Job),
    /// Another process may have freed a lock.
    Look,
    /// Nobody is left who would ask for anything.
    End,
}

/// Hands requests to the thread. Dropped, it lets the thread do what was asked for and close the file, and waits for that: a
/// process that ends first would leave a log behind in which the newest records are.
#[derive(Debug)]
pub(crate) struct Worker {
    messages: mpsc::Sender<Message>,
    /// Ends with the thread, once the file is open.
    closed: Option<Mutex<mpsc::Receiver<()>>>,
    /// The process that has the thread.
    process: u32,
}

impl Worker {
    /// Starts the thread with a store that is opened there.
    pub(crate) async fn start<T: Send + 'static>(
        open: impl FnOnce() -> Result<(Store, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (messages, queue) = mpsc::channel();
        let (tell, opened) = oneshot::channel();
        let (alive, closed) = mpsc::channel::<()>();
        let notices = Notices::new(messages.clone());
        let life = move || {
            match open() {
                Ok((store, said)) => {
                    if tell.send(Ok(said)).is_ok() {
                        work(store, notices, &queue);
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            }
            drop(alive);
        };
        let thread = thread::Builder::new().name("shylock-sqlite".into()).spawn(life);
        thread.map_err(|error| Error::from(BackendError::not_applied(error, None)))?;
        // From here on somebody ends the thread, whatever becomes of this future.
        let mut worker = Self { messages, closed: None, process: process::id() };
        let said = opened.await.unwrap_or_else(|_| Err(BackendError::ambiguous(GONE).into()))?;
        worker.closed = Some(Mutex::new(closed));
        Ok((worker, said))
    }

    /// Has this done. It is done even if nobody waits for the answer any more.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store, &mut Notices) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        fork::check(self.process)?;
        let (tell, answer) = oneshot::channel();
        let job = move |store: &mut Store, notices: &mut Notices| drop(tell.send(job(store, notices)));
        let message = Message::Do(Instant::now(), Box::new(job));
        self.messages.send(message).map_err(|_| BackendError::permanent(GONE))?;
        answer.await.unwrap_or_else(|_| Err(BackendError::ambiguous(GONE)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if fork::check(self.process).is_ok() {
            drop(self.messages.send(Message::End));
            if let Some(closed) = self.closed.take() {
                let _closed_or_late = closed.into_inner().unwrap_or_else(PoisonError::into_inner).recv_timeout(CLOSING);
            }
        } else {
            // Even dropping a copy takes a mutex, which a thread of the other process may have held.
            mem::forget(mem::replace(&mut self.messages, mpsc::channel().0));
        }
    }
}

fn work(mut store: Store, mut notices: Notices, queue: &mpsc::Receiver<Message>) {
    let mut asked_last = Instant::now();
    loop {
        match queue.recv_timeout(QUIET.saturating_sub(asked_last.elapsed())) {
            Ok(Message::Do(asked, job)) => {
                patience::counts_from(asked);
                job(&mut store, &mut notices);
                asked_last = Instant::now();
            }
            Ok(Message::Look) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => {
                patience::counts_from(Instant::now());
                store.rest();
                asked_last = Instant::now();
                continue;
            }
            Ok(Message::End) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        patience::counts_from(Instant::now());
        notices.look(&mut store);
    }
    // SQLite does it only where nobody else has the file open.
    patience::counts_from(Instant::now());
    drop(store.flush());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shylock_core::{Backend, Failure, LockName};

    use super::*;
    use crate::SqliteBackend;

    fn worker(process: u32) -> (Worker, mpsc::Receiver<Message>) {
        let (messages, queue) = mpsc::channel();
        (Worker { messages, closed: None, process }, queue)
    }

    async fn failure(worker: &Worker) -> Failure {
        let asked = tokio::time::timeout(Duration::from_secs(10), worker.ask(|_, _| Ok(()))).await;
        asked.expect("in time").expect_err("nobody answers").failure().clone()
    }

    #[tokio::test]
    async fn a_copy_in_a_forked_process_leaves_the_thread_alone() {
        let (worker, queue) = worker(process::id() + 1);
        assert_eq!(failure(&worker).await, Failure::Permanent);
        drop(worker);
        assert!(matches!(queue.try_recv(), Err(mpsc::TryRecvError::Empty)), "neither told nor left");
    }

    #[tokio::test]
    async fn what_was_never_sent_was_not_done_and_what_was_sent_may_have_been() {
        let (sent, queue) = worker(process::id());
        let thread = thread::spawn(move || drop(queue.recv()));
        assert_eq!(failure(&sent).await, Failure::Ambiguous);
        thread.join().expect("it ends");
        assert_eq!(failure(&sent).await, Failure::Permanent);
    }

    #[tokio::test]
    async fn a_look_without_an_answer_has_changed_nothing() {
        let (sent, queue) = worker(process::id());
        let thread = thread::spawn(move || drop(queue.recv()));
        let name = LockName::new("x").expect("a valid name");
        let error = SqliteBackend::new(sent, Vec::new()).inspect(&name).await.expect_err("nobody answers");
        assert_eq!(*error.failure(), Failure::NotApplied);
        thread.join().expect("it ends");
    }
}
