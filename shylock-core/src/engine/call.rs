//! How a call reaches the engine's runtime, how its requests reach the store, and how long either is waited for.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{
    sync::{SetOnce, oneshot},
    time::{self, Instant},
};
use tracing::Instrument;

use super::{
    Engine, UnderWay,
    admission::{Class, Permit},
    no_answer, not_sent,
};
use crate::{BackendError, Error, Result};

/// Set when the time limit of a call begins to run: when its first request is sent, or before, if it waits for that in a
/// queue that is not [crowded](super::admission::Admission::is_crowded).
pub(crate) type Sent = Arc<SetOnce<()>>;

impl Engine {
    /// Runs a user's call on the engine's runtime, to its end. The user waits no longer than `limit` after its first request
    /// was sent, and no longer than the store is silent for `limit`.
    pub(crate) async fn ask<T: Send + 'static, F>(
        self: &Arc<Self>,
        limit: Duration,
        call: impl FnOnce(Sent) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.check_process()?;
        let (report, reported) = oneshot::channel();
        let sent = Sent::default();
        let call = call(Arc::clone(&sent));
        let engine = Arc::clone(self);
        let work = async move {
            let mut call = pin!(call);
            let late = tokio::select! {
                biased;
                outcome = call.as_mut() => return drop(report.send(outcome)),
                late = engine.late(limit, &sent) => late,
            };
            drop(report.send(Err(late.into())));
            drop(call.await);
        };
        self.work(work.in_current_span());
        reported.await.unwrap_or(Err(Error::Stopped))
    }

    /// Resolves when an answer is late: `limit` after `sent`, or when the store has answered nothing at all for `limit`.
    pub(super) async fn late(&self, limit: Duration, sent: &Sent) -> BackendError {
        tokio::select! {
            biased;
            () = async { sent.wait().await; time::sleep(limit).await } => {}
            () = self.health.silence(Instant::now(), limit) => {}
        }
        if sent.get().is_some() { no_answer(limit) } else { not_sent(limit) }
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// The store has answered nothing for `limit`.
    pub(crate) async fn admit(&self, class: Class, limit: Duration, sent: &Sent) -> Result<Permit, BackendError> {
        if !self.admission.is_crowded(class) {
            let _set_before = sent.set(());
        }
        tokio::select! {
            biased;
            permit = self.admission.admit(class) => {
                let _set_before = sent.set(());
                Ok(permit)
            }
            () = self.health.silence(Instant::now(), limit) => Err(not_sent(limit)),
        }
    }

    /// Sends a request when it is admitted, and waits for its answer no longer than `limit` from there on. If it has
    /// not ended by then, it goes on in a task of its own: what was sent is never dropped.
    pub(crate) async fn request<T: Send + 'static, F>(
        self: &Arc<Self>,
        class: Class,
        limit: Duration,
        sent: &Sent,
        send: impl FnOnce() -> F,
    ) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>> + Send + 'static,
    {
        let permit = self.admit(class, limit, sent).await?;
        let call = send();
        let admitted = async move {
            let _permit = permit;
            call.await
        };
        self.call(limit, admitted).await
    }

    /// Waits for a call to the store no longer than `limit`; it goes on as with [`request`](Self::request).
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        call: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (report, mut reported) = oneshot::channel();
        let mut in_flight = InFlight::new(self, async move { drop(report.send(call.await)) });
        match time::timeout(limit, in_flight.end()).await {
            Ok(()) => reported.try_recv().unwrap_or_else(|_| Err(no_answer(limit))),
            Err(_) => Err(no_answer(limit)),
        }
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

/// A request under way. It is polled in place, and goes on in a task of its own when this is dropped.
pub(crate) struct InFlight {
    engine: Arc<Engine>,
    call: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl InFlight {
    pub(crate) fn new(engine: &Arc<Engine>, call: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { engine: Arc::clone(engine), call: Some(Box::pin(call)) }
    }

    /// Waits for its end.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn end(&mut self) {
        if let Some(call) = &mut self.call {
            call.await;
            self.call = None;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.engine.work(call);
        }
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
