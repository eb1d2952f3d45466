//! [`Bounded`]: a store none of whose requests lives for ever, and which notes that the store answers.
//!
//! A client may wait without end for an answer that was lost on a connection which looks alive. Callers do not wait
//! for it, but its connection would never come back to the client's pool, and `close` would never end.

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::{Instant, timeout};

use super::health::Health;
use crate::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
    observe::{Op, request},
};

/// Nobody waits any more for an answer that has not come by then: no caller, and no client that knows by itself that
/// a server is gone. The MongoDB driver finds that out within 17 s (measured: a server that was stopped).
const LAST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) store: Arc<dyn Backend>,
    pub(super) health: Arc<Health>,
}

impl Bounded {
    /// The store itself, if it is of this type.
    pub(super) fn store<B: Backend>(&self) -> Option<&B> {
        let store: &dyn Any = &*self.store;
        store.downcast_ref()
    }

    /// The answer, or that nobody knows the outcome of the request.
    async fn write<T>(&self, answer: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
        self.bounded(answer, || super::no_answer(LAST)).await
    }

    /// The answer; a look that brought none has changed nothing.
    async fn look<T>(&self, answer: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
        self.bounded(answer, || BackendError::not_applied(format!("no answer within {LAST:?}"), None)).await
    }

    async fn bounded<T>(
        &self,
        answer: impl Future<Output = Result<T, BackendError>>,
        none: impl FnOnce() -> BackendError,
    ) -> Result<T, BackendError> {
        let since = Instant::now();
        let answer = timeout(LAST, answer).await.unwrap_or_else(|_| Err(none()));
        if !answer.as_ref().is_err_and(BackendError::is_passing) {
            self.health.answered(since.elapsed());
        }
        answer
    }
}

#[async_trait]
impl Backend for Bounded {
    fn concurrency(&self) -> usize {
        self.store.concurrency()
    }

    async fn try_acquire(&self, wish: &AcquireRequest) -> Result<Attempt, BackendError> {
        request(Op::TryAcquire, Some(&wish.name), self.write(self.store.try_acquire(wish))).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        request(Op::Renew, None, self.write(self.store.renew(leases))).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let only = if let [lease] = leases { Some(&lease.name) } else { None };
        request(Op::Release, only, self.write(self.store.release(leases))).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        request(Op::HandOff, Some(&to.name), self.write(self.store.hand_off(from, to))).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        request(Op::Inspect, Some(name), self.look(self.store.inspect(name))).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        request(Op::List, None, self.look(self.store.list(query))).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        request(Op::Repair, Some(name), self.write(self.store.repair(name))).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        // A store that has nothing to do says nothing about its health.
        let unanswered = || Err(BackendError::not_applied(format!("no answer within {LAST:?}"), None));
        timeout(LAST, self.store.flush()).await.unwrap_or_else(|_| unanswered())
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        request(Op::Watch, None, self.look(self.store.watch())).await
    }
}
