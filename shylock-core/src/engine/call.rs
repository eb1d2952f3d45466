//! How a call reaches the engine's runtime, and how long it is waited for.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::oneshot, time};
use tracing::Instrument;

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
        let (tell, told) = oneshot::channel();
        let work = async move {
            let mut call = pin!(call);
            if let Ok(outcome) = time::timeout(limit, call.as_mut()).await {
                drop(tell.send(outcome));
            } else {
                drop(tell.send(Err(no_answer(limit).into())));
                drop(call.await);
            }
        };
        self.work(work.in_current_span());
        told.await.unwrap_or(Err(Error::Stopped))
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
}

/// A call whose task is dropped on the engine's runtime as soon as the caller has dropped its [`Wish`].
pub(super) struct Wanting<T> {
    tell: oneshot::Sender<Result<T>>,
    given_up: oneshot::Receiver<()>,
    clearing_up: Arc<OnceLock<UnderWay>>,
}

/// Dropping it tells the task that nobody waits for its outcome any more. From that moment until the task has ended,
/// [`Engine::idle`] waits.
pub(super) struct Wish<T> {
    engine: Arc<Engine>,
    told: oneshot::Receiver<Result<T>>,
    /// Shared with the task, so that what is put in here lives as long as the task.
    clearing_up: Arc<OnceLock<UnderWay>>,
    _give_up: oneshot::Sender<()>,
}

/// Both ends of a call.
pub(super) fn wish<T>(engine: &Arc<Engine>) -> (Wanting<T>, Wish<T>) {
    let (tell, told) = oneshot::channel();
    let (give_up, given_up) = oneshot::channel();
    let clearing_up = Arc::new(OnceLock::new());
    let wanting = Wanting { tell, given_up, clearing_up: Arc::clone(&clearing_up) };
    (wanting, Wish { engine: Arc::clone(engine), told, clearing_up, _give_up: give_up })
}

impl<T> Wanting<T> {
    pub(super) async fn run(self, call: impl Future<Output = Result<T>>) {
        tokio::select! {
            biased;
            _ = self.given_up => {}
            outcome = call => drop(self.tell.send(outcome)),
        }
        // Not before the outcome is gone, too.
        drop(self.clearing_up);
    }
}

impl<T> Wish<T> {
    pub(super) async fn outcome(mut self) -> Result<T> {
        (&mut self.told).await.unwrap_or(Err(Error::Stopped))
    }
}

impl<T> Drop for Wish<T> {
    fn drop(&mut self) {
        drop(self.clearing_up.set(UnderWay::new(&self.engine)));
    }
}
