//! A store that notes when leases are renewed.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
};

use super::Call;
use crate::monotonic;

/// The same store. Clones share their notes.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    backend: Arc<dyn Backend>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Observed {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, calls: Arc::default() }
    }

    /// The renewals that were sent since this moment and are answered.
    pub(crate) fn calls_since(&self, moment: u64) -> Vec<Call> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().copied().filter(|call| call.sent >= moment).collect()
    }

    fn note(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

#[async_trait]
impl Backend for Observed {
    fn concurrency(&self) -> usize {
        self.backend.concurrency()
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        self.backend.try_acquire(request).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let sent = monotonic::now();
        let outcomes = self.backend.renew(leases).await;
        // One that failed has taken its time, and is repeated.
        let leases = if outcomes.is_ok() { leases.len() } else { 0 };
        self.note(Call { sent, answered: monotonic::now(), leases });
        outcomes
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.backend.release(leases).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        self.backend.hand_off(from, to).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.backend.inspect(name).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.backend.list(query).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.backend.flush().await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.backend.repair(name).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.backend.watch().await
    }
}
