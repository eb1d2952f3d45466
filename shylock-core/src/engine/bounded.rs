//! [`Bounded`]: a store of which no request lives for ever.
//!
//! A client may wait without end for an answer that was lost on a connection which looks alive. Callers do not wait
//! for it, but its connection would never come back to the client's pool, and `close` would never end.

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use crate::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
    observe::{Op, request},
};

/// Nobody waits any more for an answer that has not come by then: no caller, and no client that knows by itself that
/// a server is gone. The MongoDB driver finds that out within 17 s (measured: a server that was stopped).
const LAST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Bounded(pub(super) Arc<dyn Backend>);

impl Bounded {
    /// The store itself, if it is of this type.
    pub(super) fn store<B: Backend>(&self) -> Option<&B> {
        let store: &dyn Any = &*self.0;
        store.downcast_ref()
    }
}

/// The answer, or that nobody knows what became of the request.
async fn write<T>(answer: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    timeout(LAST, answer).await.unwrap_or_else(|_| Err(super::no_answer(LAST)))
}

/// The answer; a look that brought none has changed nothing.
async fn look<T>(answer: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    let none = || BackendError::not_applied(format!("no answer within {LAST:?}"), None);
    timeout(LAST, answer).await.unwrap_or_else(|_| Err(none()))
}

#[async_trait]
impl Backend for Bounded {
    async fn try_acquire(&self, wish: &AcquireRequest) -> Result<Attempt, BackendError> {
        request(Op::TryAcquire, Some(&wish.name), write(self.0.try_acquire(wish))).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        request(Op::Renew, None, write(self.0.renew(leases))).await
    }

    async fn release(&self, lease: &LeaseKey) -> Result<ReleaseOutcome, BackendError> {
        request(Op::Release, Some(&lease.name), write(self.0.release(lease))).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        request(Op::HandOff, Some(&to.name), write(self.0.hand_off(from, to))).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        request(Op::Inspect, Some(name), look(self.0.inspect(name))).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        request(Op::List, None, look(self.0.list(query))).await
    }

    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        request(Op::ForceBreak, Some(name), write(self.0.force_break(name))).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        request(Op::Watch, None, look(self.0.watch())).await
    }
}
