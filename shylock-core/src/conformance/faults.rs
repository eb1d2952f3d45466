//! A store whose answers get lost, though it has done what it was asked.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;

use crate::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
};

/// Loses the next answers to requests that change something.
#[derive(Debug)]
pub(super) struct LosesAnswers {
    store: Arc<dyn Backend>,
    to_lose: AtomicU32,
    asked: AtomicU32,
}

impl LosesAnswers {
    pub(super) fn new(store: &Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self { store: Arc::clone(store), to_lose: AtomicU32::new(0), asked: AtomicU32::new(0) })
    }

    pub(super) fn lose_next(&self, answers: u32) {
        self.to_lose.store(answers, Ordering::SeqCst);
    }

    /// How many answers are still to be lost.
    pub(super) fn to_lose(&self) -> u32 {
        self.to_lose.load(Ordering::SeqCst)
    }

    /// How many attempts to acquire there were and are over.
    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn perhaps_lost<T>(&self, answer: Result<T, BackendError>) -> Result<T, BackendError> {
        let take_one = |left: u32| left.checked_sub(1);
        match self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one) {
            Ok(_) => Err(BackendError::ambiguous("the answer was lost")),
            Err(_) => answer,
        }
    }
}

#[async_trait]
impl Backend for LosesAnswers {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let answer = self.perhaps_lost(self.store.try_acquire(request).await);
        self.asked.fetch_add(1, Ordering::SeqCst);
        answer
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        self.perhaps_lost(self.store.renew(leases).await)
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.perhaps_lost(self.store.release(leases).await)
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        self.perhaps_lost(self.store.hand_off(from, to).await)
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.store.inspect(name).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.store.list(query).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.perhaps_lost(self.store.repair(name).await)
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.store.watch().await
    }
}
