//! A store that takes its time to release, or to acquire.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, MemoryBackend,
    ReleaseOutcome, RenewOutcome, Renewal, Watch,
};

#[derive(Debug, Clone)]
pub(crate) struct Slow {
    store: MemoryBackend,
    releasing: Duration,
    /// If not zero, it also serves one request at a time.
    acquiring: Duration,
    released: Arc<AtomicU32>,
}

impl Slow {
    pub(crate) fn to_release(pause: Duration) -> Self {
        Self { store: MemoryBackend::new(), releasing: pause, acquiring: Duration::ZERO, released: Arc::default() }
    }

    pub(crate) fn to_acquire(pause: Duration) -> Self {
        Self { acquiring: pause, ..Self::to_release(Duration::ZERO) }
    }

    pub(crate) fn released(&self) -> u32 {
        self.released.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Backend for Slow {
    fn concurrency(&self) -> usize {
        if self.acquiring.is_zero() { self.store.concurrency() } else { 1 }
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        tokio::time::sleep(self.acquiring).await;
        self.store.try_acquire(request).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        self.store.renew(leases).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        tokio::time::sleep(self.releasing).await;
        let outcomes = self.store.release(leases).await;
        self.released.fetch_add(u32::try_from(leases.len()).expect("a few"), Ordering::SeqCst);
        outcomes
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        self.store.hand_off(from, to).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.store.inspect(name).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.store.list(query).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.store.repair(name).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.store.watch().await
    }
}
