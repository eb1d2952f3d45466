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
/// Cheap to clone; clones share one connection and the thread that it lives on. The thread ends with the last clone; dropping
/// that one blocks until the file is closed: some milliseconds, a second at most.
#[derive(Debug, Clone)]
pub struct SqliteBackend(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    worker: Worker,
    weaknesses: Vec<String>,
}

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
    /// [`Error::Backend`](shylock_core::Error::Backend) if it is right but cannot be opened, as when its disk is full,
    /// this process was forked, or its log was removed while others use it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// Options of your own.
    pub fn builder() -> SqliteBuilder {
        SqliteBuilder::default()
    }

    /// Returns what an operator should know of the place of this file, one sentence each: a file system that other machines may
    /// see, or a folder in which other users will be shut out. Empty if all is as it should be. No I/O: it was looked at when
    /// the file was opened, and logged as a warning.
    ///
    /// # Examples
    /// ```
    /// # use shylock_sqlite::SqliteBackend;
    /// # fn example(backend: &SqliteBackend) {
    /// for weakness in backend.weaknesses() {
    ///     eprintln!("warning: {weakness}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn weaknesses(&self) -> &[String] {
        &self.0.weaknesses
    }

    pub(crate) fn new(worker: Worker, weaknesses: Vec<String>) -> Self {
        Self(Arc::new(Opened { worker, weaknesses }))
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
        self.0.worker.ask(move |store, _| store.try_acquire(&request)).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let leases = leases.to_vec();
        self.0.worker.ask(move |store, _| store.renew(&leases)).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let leases = leases.to_vec();
        self.0.worker.ask(move |store, _| store.release(&leases)).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let (from, to) = (from.clone(), to.clone());
        self.0.worker.ask(move |store, _| store.hand_off(&from, &to)).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let name = name.clone();
        self.0.worker.ask(move |store, _| store.inspect(&name)).await.map_err(BackendError::of_look)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let query = query.clone();
        self.0.worker.ask(move |store, _| store.list(&query)).await.map_err(BackendError::of_look)
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let name = name.clone();
        self.0.worker.ask(move |store, _| store.repair(&name)).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.0.worker.ask(|store, _| store.flush()).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let listening = self.0.worker.ask(|store, notices| notices.listen(store)).await;
        listening.map(Watch::Freed).map_err(BackendError::of_look)
    }
}
