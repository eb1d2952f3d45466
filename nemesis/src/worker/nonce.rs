//! A broken library, as a control: it has no id that a repeated request could recognise its grant by.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, HolderId, LeaseKey, ListQuery, LockInfo, LockName,
    ReleaseOutcome, RenewOutcome, Renewal, Watch,
};
use shylock_mongo::MongoBackend;

/// Sends each request to acquire under a fresh id, and knows only by which of them it was granted.
#[derive(Debug)]
pub(super) struct Forgetful {
    store: MongoBackend,
    granted: Mutex<HashMap<HolderId, HolderId>>,
}

impl Forgetful {
    pub(super) fn new(store: MongoBackend) -> Self {
        Self { store, granted: Mutex::default() }
    }

    fn real(&self, lease: &LeaseKey) -> LeaseKey {
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        LeaseKey { holder: granted.get(&lease.holder).copied().unwrap_or(lease.holder), ..lease.clone() }
    }

    fn fresh(request: &AcquireRequest) -> Result<AcquireRequest, BackendError> {
        Ok(AcquireRequest { holder: HolderId::random().map_err(BackendError::permanent)?, ..request.clone() })
    }

    fn note(&self, asked: &AcquireRequest, sent: &AcquireRequest) {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.holder, sent.holder);
    }
}

#[async_trait]
impl Backend for Forgetful {
    fn concurrency(&self) -> usize {
        self.store.concurrency()
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let sent = Self::fresh(request)?;
        let attempt = self.store.try_acquire(&sent).await?;
        if let Attempt::Granted(_) = attempt {
            self.note(request, &sent);
        }
        Ok(attempt)
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let real = |renewal: &Renewal| Renewal { lease: self.real(&renewal.lease), ttl: renewal.ttl };
        self.store.renew(&leases.iter().map(real).collect::<Vec<_>>()).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let real: Vec<_> = leases.iter().map(|lease| self.real(lease)).collect();
        self.store.release(&real).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let sent = Self::fresh(to)?;
        let passed = self.store.hand_off(&self.real(from), &sent).await?;
        if let HandOff::Granted(_) = passed {
            self.note(to, &sent);
        }
        Ok(passed)
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.store.inspect(name).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.store.list(query).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.store.flush().await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.store.repair(name).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.store.watch().await
    }
}
