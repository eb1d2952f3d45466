//! How a user's call reaches the engine's runtime: in a task of its own, unless it can be answered at once.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::Poll,
    time::Duration,
};

use tokio::{sync::oneshot, time};

use super::{Engine, UnderWay, no_answer};
use crate::{BackendError, Error, Result};

impl Engine {
    /// Runs a user's call on the engine's runtime, to its end, and waits for it no longer than `limit`.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.check_process()?;
        let mut call = Box::pin(call);
        if let Poll::Ready(outcome) = self.at_once(call.as_mut()).await {
            return outcome;
        }
        let (tell, told) = oneshot::channel();
        self.work(async move {
            if let Ok(outcome) = time::timeout(limit, call.as_mut()).await {
                drop(tell.send(outcome));
            } else {
                drop(tell.send(Err(no_answer(limit).into())));
                drop(call.await);
            }
        });
        told.await.unwrap_or(Err(Error::Stopped))
    }

    /// Runs it on the engine's runtime, and drops it there as soon as the caller has dropped this future.
    pub(super) async fn until_unwanted<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut call = Box::pin(call);
        if let Poll::Ready(outcome) = self.at_once(call.as_mut()).await {
            return outcome;
        }
        let (tell, told) = oneshot::channel();
        let (give_up, given_up) = oneshot::channel::<()>();
        let clearing_up = Arc::new(OnceLock::new());
        let wish = Wish { engine: self, clearing_up: Arc::clone(&clearing_up), _give_up: give_up };
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                _ = given_up => {}
                outcome = call => drop(tell.send(outcome)),
            }
            // Not before the outcome is gone, too.
            drop(clearing_up);
        });
        let outcome = told.await.unwrap_or(Err(Error::Stopped));
        drop(wish);
        outcome
    }

    /// Waits for a call to the store no longer than `limit`. If it has not ended by then, it goes on in a task of its
    /// own: it is never dropped.
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        call: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, BackendError> {
        let mut call = Box::pin(call);
        if let Ok(answer) = time::timeout(limit, call.as_mut()).await {
            return answer;
        }
        self.work(async move { drop(call.await) });
        Err(no_answer(limit))
    }

    /// Spawns a task that [`idle`](Self::idle) waits for.
    pub(super) fn work(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let under_way = UnderWay::new(self);
        self.runtime.spawn(async move {
            let _under_way = under_way;
            task.await;
        });
    }

    /// Polls a call once, in a task of the engine's runtime only, where its timers work: what the store answers at
    /// once needs no task of its own. Whatever waits must get one, as its caller may leave it unpolled for long.
    async fn at_once<T>(&self, mut call: Pin<&mut (impl Future<Output = Result<T>> + Send)>) -> Poll<Result<T>> {
        if !self.runtime.runs_this_task() {
            return Poll::Pending;
        }
        poll_fn(|cx| {
            // As in a task of its own. A thread for blocking code outlives its runtime's timers, which then panic.
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
            Poll::Ready(polled.unwrap_or(Poll::Ready(Err(Error::Stopped))))
        })
        .await
    }
}

/// Dropping it tells the task that nobody waits for its outcome any more. From that moment until the task has ended,
/// [`Engine::idle`] waits.
struct Wish<'a> {
    engine: &'a Arc<Engine>,
    /// Shared with the task, so that what is put in here lives as long as the task.
    clearing_up: Arc<OnceLock<UnderWay>>,
    _give_up: oneshot::Sender<()>,
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        drop(self.clearing_up.set(UnderWay::new(self.engine)));
    }
}
