//! The engine of a manager: all that happens between a user's call and a store.

mod acquisition;
mod held;
mod keeper;
mod lease;
mod pace;
mod queue;
mod release;
mod renew;
mod runtime;
mod wait;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time,
};

pub(crate) use self::{
    held::Held,
    lease::Lease,
    renew::Terms,
    runtime::Runtime,
    wait::{Patience, Wanted},
};
use crate::{Backend, BackendError, Error, Result, options::ManagerOptions};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) options: ManagerOptions,
    runtime: Runtime,
    lines: Arc<queue::Lines>,
    leases: keeper::Leases,
    /// How many tasks are under way that may still have to release something.
    under_way: watch::Sender<usize>,
}

impl Engine {
    pub(crate) fn new(backend: Arc<dyn Backend>, options: ManagerOptions, runtime: Runtime) -> Arc<Self> {
        Arc::new(Self {
            backend,
            options,
            runtime,
            lines: Arc::default(),
            leases: keeper::Leases::default(),
            under_way: watch::Sender::new(0),
        })
    }

    /// Waits until no request is under way whose grant might have to be released.
    pub(crate) async fn idle(&self) {
        drop(self.under_way.subscribe().wait_for(|tasks| *tasks == 0).await);
    }

    /// Runs a user's call on the engine's runtime, so that it needs no runtime of the caller's.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        self.work(async move { drop(tell.send(call.await)) });
        told.await.unwrap_or(Err(Error::Stopped))
    }

    /// Runs a call to the store in a task of its own, to its end, and waits for it no longer than `limit`.
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        call: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (tell, told) = oneshot::channel();
        self.work(async move { drop(tell.send(call.await)) });
        match time::timeout(limit, told).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(BackendError::ambiguous("the call ended without an answer")),
            Err(_) => Err(wait::no_answer(limit)),
        }
    }

    /// Spawns a task that [`idle`](Self::idle) waits for.
    fn work(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let under_way = UnderWay::new(self);
        self.runtime.spawn(async move {
            let _under_way = under_way;
            pin!(task).await;
        });
    }
}

struct UnderWay(Arc<Engine>);

impl UnderWay {
    fn new(engine: &Arc<Engine>) -> Self {
        engine.under_way.send_modify(|tasks| *tasks += 1);
        Self(Arc::clone(engine))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|tasks| *tasks -= 1);
    }
}

/// A random number in 0..1, for jitter only.
fn random() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}
