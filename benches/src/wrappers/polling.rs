//! A store that does not tell when a lock becomes free.

use std::sync::Arc;

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
};

/// The same store, on which waiting is polling.
#[derive(Debug)]
pub(crate) struct PollingOnly(pub(crate) Arc<dyn Backend>);

#[async_trait]
impl Backend for PollingOnly {
    fn concurrency(&self) -> usize {
        self.0.concurrency()
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        self.0.try_acquire(request).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        self.0.renew(leases).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.0.release(leases).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        self.0.hand_off(from, to).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.0.inspect(name).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.0.list(query).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.0.flush().await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.0.repair(name).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        Ok(Watch::Unsupported)
    }
}
