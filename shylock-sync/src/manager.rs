//! [`LockManager`] for synchronous code, and the default of the process.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shylock_core::{self as core, Backend, LockInfo, LockTicket, PerProcess, Result, WeakLockManager};

use crate::{
    Lock, LockGuard,
    call::{Limit, wait},
    guard::DROP_TIMEOUT,
    runtime,
};

/// Those that [`shutdown`](crate::shutdown) has to wait for, if they are still there.
static OPEN: PerProcess<Mutex<Vec<WeakLockManager>>> = PerProcess::new();

/// Like [`shylock_core::configure`], of which this is the blocking form: sets the store that locks of this process
/// use, [`Lock`] and [`AsyncLock`](shylock_core::AsyncLock) alike.
///
/// A store that is given here is worked with on this crate's own runtime, until [`shutdown`](crate::shutdown). One that
/// was configured by async code is worked with on that code's runtime, and ends with it: calls then fail with
/// [`Error::Stopped`](crate::Error::Stopped), until another is configured.
///
/// **Connect by [`block_on`](crate::block_on).** The connections of a store belong to the runtime on which they were
/// made, wherever the manager works: when an async runtime ends, those that were made on it are dead, and calls fail
/// with [`Error::Backend`](crate::Error::Backend) when their time is up.
pub fn configure(manager: impl Into<LockManager>) {
    core::configure(manager.into().0);
}

/// One store, and what all locks on it share in this process: [`shylock_core::LockManager`] for synchronous code.
///
/// Made from a store, it works on this crate's own runtime and thread. Made from an async manager, it is that one, and
/// works where that one does.
#[derive(Debug, Clone)]
pub struct LockManager(core::LockManager);

/// Options of a [`LockManager`], with the bounds and defaults of [`shylock_core::LockManagerBuilder`].
#[derive(Debug)]
#[must_use = "it does nothing until `build` is called"]
pub struct LockManagerBuilder(core::LockManagerBuilder);

impl LockManager {
    /// A manager with the default options.
    #[must_use]
    pub fn new(backend: impl Backend) -> Self {
        Self::from(backend)
    }

    /// A manager with options of your own.
    pub fn builder(backend: impl Backend) -> LockManagerBuilder {
        LockManagerBuilder(core::LockManager::builder(backend))
    }

    /// Like [`builder`](Self::builder), for a store that is shared already.
    pub fn builder_from(backend: Arc<dyn Backend>) -> LockManagerBuilder {
        LockManagerBuilder(core::LockManager::builder_from(backend))
    }

    /// The manager that this process's locks use, by this crate's `configure` or by the async one.
    ///
    /// # Errors
    /// [`Error::NotConfigured`](crate::Error::NotConfigured).
    pub fn configured() -> Result<Self> {
        core::LockManager::configured().map(Self::of)
    }

    /// A lock on this manager's store. No I/O; a name that is none shows at the first acquisition.
    pub fn lock(&self, name: impl AsRef<str>) -> Lock {
        Lock::from(self.0.lock(name))
    }

    /// Like [`inspect`](core::LockManager::inspect) of the async manager: who holds this lock.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn inspect(&self, name: impl AsRef<str>) -> Result<Option<LockInfo>> {
        let name = name.as_ref().to_owned();
        self.call(Limit::Call, |manager| async move { manager.inspect(name).await })
    }

    /// Like [`list`](core::LockManager::list) of the async manager: all held locks whose names begin with `prefix`.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn list(&self, prefix: impl AsRef<str>) -> Result<Vec<LockInfo>> {
        let prefix = prefix.as_ref().to_owned();
        self.call(Limit::None, |manager| async move { manager.list(prefix).await })
    }

    /// Like [`force_break`](core::LockManager::force_break) of the async manager: frees a lock whoever holds it.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn force_break(&self, name: impl AsRef<str>) -> Result<Option<LockInfo>> {
        let name = name.as_ref().to_owned();
        self.call(Limit::Call, |manager| async move { manager.force_break(name).await })
    }

    /// Like [`force_release`](core::LockManager::force_release) of the async manager: frees a lock if it is still held by
    /// the lease that was shown.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn force_release(&self, held: &LockInfo) -> Result<bool> {
        let held = held.clone();
        self.call(Limit::Call, |manager| async move { manager.force_release(&held).await })
    }

    /// Like [`repair`](core::LockManager::repair) of the async manager: makes a free lock of one whose record is corrupt.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn repair(&self, name: impl AsRef<str>) -> Result<bool> {
        let name = name.as_ref().to_owned();
        self.call(Limit::Call, |manager| async move { manager.repair(name).await })
    }

    /// Like [`resume`](core::LockManager::resume) of the async manager: goes on with a lock that was detached.
    ///
    /// # Errors
    /// As there, and [`Error::Stalled`](crate::Error::Stalled).
    pub fn resume(&self, ticket: LockTicket) -> Result<LockGuard> {
        let guard = self.call(Limit::Call, |manager| async move { manager.resume(ticket).await })?;
        Ok(LockGuard::new(guard, DROP_TIMEOUT))
    }

    /// Like [`close`](core::LockManager::close) of the async manager: waits until everything that this process has
    /// let go of is free on the server.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped), [`Error::Stalled`](crate::Error::Stalled): the runtime
    /// has ended, or does not run, and there may be releases that were never sent.
    pub fn close(&self) -> Result<()> {
        self.call(Limit::None, |manager| async move {
            manager.close().await;
            manager.pulse().await
        })
    }

    /// The same manager for async code.
    #[must_use]
    pub fn as_async(&self) -> &core::LockManager {
        &self.0
    }

    fn of(manager: core::LockManager) -> Self {
        let mut open = open();
        open.retain(|manager| manager.upgrade().is_some());
        open.push(manager.downgrade());
        drop(open);
        Self(manager)
    }

    fn call<T, F>(&self, limit: Limit, work: impl FnOnce(core::LockManager) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        wait(&self.0, limit, work(self.0.clone()))
    }
}

impl LockManagerBuilder {
    /// The lease's length of locks that name none: 1 s to 24 h, default 30 s.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self(self.0.ttl(ttl))
    }

    /// A prefix for all names, so that programs can share a store: 1 to 64 bytes, without slash. Default: none.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self(self.0.namespace(namespace))
    }

    /// What others see as this holder's host, at most 256 bytes. Default: the name of the machine.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self(self.0.label(label))
    }

    /// How long before the end of its lease a holder is told that it is lost: less than half the ttl. Default: a tenth
    /// of the lock's ttl, at least 50 ms, at most 2 s.
    pub fn safety_margin(self, margin: Duration) -> Self {
        Self(self.0.safety_margin(margin))
    }

    /// The pauses between the attempts of a process that waits for a lock and is not told when it comes free: the
    /// first, not zero, and the longest, at most an hour. Default: 25 ms, doubling to 1 s.
    pub fn poll_limits(self, first: Duration, longest: Duration) -> Self {
        Self(self.0.poll_limits(first, longest))
    }

    /// How long a call that does not wait for a lock may take: not zero, at most an hour, default 5 s.
    pub fn call_timeout(self, timeout: Duration) -> Self {
        Self(self.0.call_timeout(timeout))
    }

    /// How long [`Lock::acquire`] puts up with a store that does not answer properly, from its turn among the waiters
    /// of its process on. Default 60 s; with zero, the first failure is its outcome.
    pub fn outage_limit(self, limit: Duration) -> Self {
        Self(self.0.outage_limit(limit))
    }

    /// Makes the manager, on this crate's own runtime.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) for the first option that is outside of its bounds.
    pub fn build(self) -> Result<LockManager> {
        runtime::within(|| self.0.build()).map(LockManager::of)
    }
}

/// A store (on this crate's own runtime), or a manager of the async API (where that one works).
impl<T: Into<core::LockManager>> From<T> for LockManager {
    fn from(manager: T) -> Self {
        Self::of(runtime::within(|| manager.into()))
    }
}

/// All managers of this process that may have something to release.
pub(crate) fn all_open() -> Vec<core::LockManager> {
    open().iter().filter_map(WeakLockManager::upgrade).collect()
}

fn open() -> MutexGuard<'static, Vec<WeakLockManager>> {
    OPEN.get().lock().unwrap_or_else(PoisonError::into_inner)
}
