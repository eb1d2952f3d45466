//! [`Lock`]: a name with options, and the ways to acquire it.

use std::{future::Future, time::Duration};

use shylock_core::{AsyncLock, AsyncLockGuard, Error, HolderInfo, Result};

use crate::{
    LockGuard,
    call::{Limit, wait},
    guard::{DROP_TIMEOUT, not_released},
};

/// [`AsyncLock`] for synchronous code: the same lock, with the same options and errors.
///
/// All that is said there holds here. Calls block the thread; in async code use `AsyncLock`, or `spawn_blocking`.
///
/// # Examples
/// ```
/// use shylock_sync::{Lock, MemoryBackend, configure};
///
/// configure(MemoryBackend::new());
/// {
///     let guard = Lock::new("invoice-42").acquire()?;
///     println!("write with fencing token {}", guard.token());
/// } // released, before the next line runs
/// # shylock_sync::Result::<()>::Ok(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a lock does nothing until it is acquired"]
pub struct Lock {
    inner: AsyncLock,
    drop_timeout: Duration,
}

impl Lock {
    /// Like [`AsyncLock::new`]: a lock on the default store of this process.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self::from(AsyncLock::new(name))
    }

    /// Like [`AsyncLock::with_ttl`]: the length of the lease, 1 s to 24 h.
    pub fn with_ttl(self, ttl: Duration) -> Self {
        Self { inner: self.inner.with_ttl(ttl), ..self }
    }

    /// Like [`AsyncLock::with_auto_renew`]. The renewal needs no call of yours: it runs on a thread of its own.
    pub fn with_auto_renew(self, renew: bool) -> Self {
        Self { inner: self.inner.with_auto_renew(renew), ..self }
    }

    /// Like [`AsyncLock::with_note`]: a text that others see beside the holder.
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { inner: self.inner.with_note(note), ..self }
    }

    /// Like [`AsyncLock::with_max_hold`]: the longest time to hold the lock.
    pub fn with_max_hold(self, max_hold: Duration) -> Self {
        Self { inner: self.inner.with_max_hold(max_hold), ..self }
    }

    /// How long dropping a guard waits for its release, which then goes on in the background. Default 2 s; zero: it
    /// does not wait.
    pub const fn with_drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// Like [`AsyncLock::acquire`]: waits for as long as others hold the lock.
    ///
    /// # Errors
    /// As `AsyncLock::acquire`, and [`Error::Stalled`].
    pub fn acquire(&self) -> Result<LockGuard> {
        let guard = self.call(Limit::None, |lock| async move { lock.acquire().await })?;
        Ok(self.guard(guard))
    }

    /// Like [`AsyncLock::try_acquire`]: one round trip, and `None` if another holds the lock.
    ///
    /// # Errors
    /// As `AsyncLock::try_acquire`, and [`Error::Stalled`].
    pub fn try_acquire(&self) -> Result<Option<LockGuard>> {
        let guard = self.call(Limit::Call, |lock| async move { lock.try_acquire().await })?;
        Ok(guard.map(|guard| self.guard(guard)))
    }

    /// Like [`AsyncLock::acquire_timeout`]: waits for `timeout` at most, which must not be zero.
    ///
    /// # Errors
    /// As `AsyncLock::acquire_timeout`, and [`Error::Stalled`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<LockGuard> {
        let limit = Limit::Lock(self.inner.clone(), timeout);
        let guard = self.call(limit, |lock| async move { lock.acquire_timeout(timeout).await })?;
        Ok(self.guard(guard))
    }

    /// Like [`AsyncLock::with`]: acquires the lock, runs `work`, and releases, also if `work` panics.
    ///
    /// Nothing can cancel `work` when the lease is lost: let it look at [`LockGuard::is_held`] before it does
    /// something that matters, or set an [alarm](LockGuard::on_lost).
    ///
    /// # Errors
    /// As `AsyncLock::with`, and [`Error::Stalled`]. [`Error::Lost`] means that `work` has run, to its end, and that
    /// others may have been in meanwhile, unless the lock has a `max_hold` that was over at once.
    pub fn with<T>(&self, work: impl FnOnce(&LockGuard) -> T) -> Result<T> {
        let guard = self.acquire()?;
        let done = work(&guard);
        guard.ensure_held()?;
        match guard.release() {
            Err(error @ Error::Lost { .. }) => Err(error),
            Err(error) => {
                not_released(self.name(), &error);
                Ok(done)
            }
            Ok(()) => Ok(done),
        }
    }

    /// Like [`AsyncLock::last_known_holder`]: who held the lock when this process last heard of it, without I/O. For a
    /// message while another thread waits.
    ///
    /// # Examples
    /// ```
    /// use shylock_sync::{LockManager, MemoryBackend};
    ///
    /// let manager = LockManager::new(MemoryBackend::new());
    /// let lock = manager.lock("invoice-42");
    /// assert!(lock.last_known_holder().is_none());
    /// let guard = lock.acquire()?;
    /// assert_eq!(lock.last_known_holder().and_then(|holder| holder.pid), Some(std::process::id()));
    /// guard.release()?;
    /// # shylock_sync::Result::<()>::Ok(())
    /// ```
    #[must_use]
    pub fn last_known_holder(&self) -> Option<HolderInfo> {
        self.inner.last_known_holder()
    }

    /// The name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    fn guard(&self, guard: AsyncLockGuard) -> LockGuard {
        LockGuard::new(guard, self.drop_timeout)
    }

    /// On the manager of this moment, though another becomes the default meanwhile.
    fn call<T, F>(&self, limit: Limit, work: impl FnOnce(AsyncLock) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let manager = self.inner.manager()?;
        wait(&manager, limit, work(self.inner.clone().with_manager(manager.clone())))
    }
}

/// The same lock, with the same options.
impl From<AsyncLock> for Lock {
    fn from(inner: AsyncLock) -> Self {
        Self { inner, drop_timeout: DROP_TIMEOUT }
    }
}
