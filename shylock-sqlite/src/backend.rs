//! [`SqliteBackend`]: the promises of [`Backend`], each in one transaction.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Result, Watch,
};

use crate::{builder::SqliteBuilder, worker::Worker};

/// Locks in an SQLite file, for the processes of one machine.
///
/// Cheap to clone; clones share one connection and the thread that it lives on. The thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct SqliteBackend(Arc<Worker>);

impl SqliteBackend {
    /// Opens the file of the locks; makes it where it is not there, readable and writable for its owner only. The folder
    /// must be there: the file is the same for all processes or the locks are not, and a mistyped path should say so.
    ///
    /// Needs no async runtime. The first process after a start of the machine ends all leases from before.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most an empty store behind.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](shylock_core::Error::InvalidOption) if this cannot be the path of the locks: there is no
    /// such folder, it is no file, not an SQLite database, another program's, of another version of this crate, may not
    /// be written, has a second name, is mounted by itself, or lies on a network file system.
    /// [`Error::Backend`](shylock_core::Error::Backend) if it is right but cannot be opened, as when its disk is full
    /// or this process was forked.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// Options of your own.
    pub fn builder() -> SqliteBuilder {
        SqliteBuilder::default()
    }

    pub(crate) fn new(worker: Worker) -> Self {
        Self(Arc::new(worker))
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    /// One is carried out at a time; the next ones are at hand when it is done.
    fn concurrency(&self) -> usize {
        4
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let request = request.clone();
        self.0.ask(move |store, _| store.try_acquire(&request)).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let leases = leases.to_vec();
        self.0.ask(move |store, _| store.renew(&leases)).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let leases = leases.to_vec();
        self.0.ask(move |store, _| store.release(&leases)).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let (from, to) = (from.clone(), to.clone());
        self.0.ask(move |store, _| store.hand_off(&from, &to)).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let name = name.clone();
        self.0.ask(move |store, _| store.inspect(&name)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let query = query.clone();
        self.0.ask(move |store, _| store.list(&query)).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let name = name.clone();
        self.0.ask(move |store, _| store.repair(&name)).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.0.ask(|store, notices| notices.listen(store)).await.map(Watch::Freed)
    }
}
