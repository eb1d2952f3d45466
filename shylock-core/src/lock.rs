//! [`AsyncLock`]: a name with options, and the ways to acquire it.

use std::time::Duration;

use crate::{
    AsyncLockGuard, Error, HolderInfo, LockManager, LockName, Result,
    engine::{Held, Patience, Terms, Wanted},
    observe,
    options::{LockOptions, invalid},
};

/// A lock that may be held by one holder at a time, among all processes that use the same store.
///
/// Making one does no I/O. It is not reentrant: a second acquisition of the same name waits, or is refused, like
/// anybody's.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use shylock_core::{configure, AsyncLock, MemoryBackend};
///
/// configure(MemoryBackend::new());
/// let lock = AsyncLock::new("invoice-42");
/// let guard = lock.acquire().await?;
/// println!("write with fencing token {}", guard.token());
/// guard.release().await?;
/// # shylock_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "a lock does nothing until it is acquired"]
pub struct AsyncLock {
    /// What the user wrote; checked at each acquisition.
    name: String,
    manager: Option<LockManager>,
    options: LockOptions,
}

impl AsyncLock {
    /// A lock on the process's default store, see [`configure`](crate::configure).
    pub fn new(name: impl AsRef<str>) -> Self {
        Self::on(None, name.as_ref())
    }

    pub(crate) fn on(manager: Option<LockManager>, name: &str) -> Self {
        Self { name: name.to_owned(), manager, options: LockOptions::default() }
    }

    /// The length of the lease: 1 s to 24 h. Default: the manager's, which is 30 s unless it says otherwise.
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// Whether the lease is renewed in the background at a third of its ttl. Default: yes. Without renewal the lock
    /// is held for one ttl at most, unless [`AsyncLockGuard::renew`] is called.
    pub const fn with_auto_renew(mut self, renew: bool) -> Self {
        self.options.no_renewal = !renew;
        self
    }

    /// A text that others see beside the holder, at most 4096 bytes.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.options.note = Some(note.into());
        self
    }

    /// The longest time to hold the lock, not zero. Once it has passed, the guard is told that its lease is lost;
    /// others get in up to one ttl later, or when the guard is dropped. Default: no limit.
    pub const fn with_max_hold(mut self, max_hold: Duration) -> Self {
        self.options.max_hold = Some(max_hold);
        self
    }

    /// Acquires the lock, waiting for as long as others hold it.
    ///
    /// Waiters of one manager are served in the order in which they came.
    ///
    /// The lock is acquired for this future as soon as it is its turn: one that is neither polled nor dropped then
    /// holds the lock, and all who come after it wait.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future leaves its place in the queue and holds nothing; what the store may still
    /// grant is released in the background.
    ///
    /// # Errors
    /// [`Error::NotConfigured`], [`Error::InvalidName`], [`Error::InvalidOption`] before anything is sent;
    /// [`Error::CorruptRecord`]; [`Error::Backend`] when the store refuses, or when it has not answered properly
    /// for the manager's outage limit (60 s), counted from its turn among the waiters of its process;
    /// [`Error::Lost`] if its `max_hold` is over before the grant is heard of; [`Error::Stopped`].
    pub async fn acquire(&self) -> Result<AsyncLockGuard> {
        let (manager, wanted) = self.wanted()?;
        let held = manager.engine().acquire(wanted, Patience::Forever).await?;
        Ok(self.guard(held))
    }

    /// Acquires the lock if nobody holds it now: one round trip, no waiting. `None`: another holds it.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire); [`Error::Backend`] at the latest after the manager's call time-out (5 s).
    pub async fn try_acquire(&self) -> Result<Option<AsyncLockGuard>> {
        let (manager, wanted) = self.wanted()?;
        let held = manager.engine().try_acquire(wanted).await?;
        Ok(held.map(|held| self.guard(held)))
    }

    /// Acquires the lock, waiting for `timeout` at most, which must not be zero.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// [`Error::Timeout`] with the holder, if the lock is held in this process, or was when the first of its waiters here
    /// last got an answer; without a holder, if there was less time than the store's answers take. [`Error::Backend`] if
    /// the last request failed, or if the time passed without any answer from the store; else as
    /// [`acquire`](Self::acquire).
    pub async fn acquire_timeout(&self, timeout: Duration) -> Result<AsyncLockGuard> {
        if timeout.is_zero() {
            return Err(invalid("timeout", "it is zero; `try_acquire` does not wait"));
        }
        let (manager, wanted) = self.wanted()?;
        let held = manager.engine().acquire(wanted, Patience::limit(timeout)).await?;
        Ok(self.guard(held))
    }

    /// Acquires the lock, runs `work`, and releases. If the lease is lost meanwhile, `work` is cancelled: its future
    /// is dropped at its current await point.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire), and `work` is dropped with the future.
    ///
    /// # Errors
    /// [`Error::Lost`] if the lease was lost before `work` had finished, or turned out to be another's when it was
    /// released; else as [`acquire`](Self::acquire). A release that fails otherwise is logged, and the lease ends
    /// by itself.
    ///
    /// # Examples
    /// ```
    /// # use shylock_core::{AsyncLock, LockManager, MemoryBackend};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let manager = LockManager::new(MemoryBackend::new());
    /// let written = manager.lock("invoice-42").with(async |guard| format!("with token {}", guard.token())).await?;
    /// # assert!(written.starts_with("with token ")); shylock_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub async fn with<T>(&self, work: impl AsyncFnOnce(&AsyncLockGuard) -> T) -> Result<T> {
        let guard = self.acquire().await?;
        let lost = guard.lost();
        let done = tokio::select! {
            biased;
            loss = lost => Err(Error::from(loss)),
            done = work(&guard) => Ok(done),
        };
        let done = done?;
        guard.ensure_held()?;
        match guard.release().await {
            Err(error @ Error::Lost { .. }) => Err(error),
            Err(error) => {
                observe::not_released(&self.name, &error);
                Ok(done)
            }
            Ok(()) => Ok(done),
        }
    }

    /// Returns who held the lock when this process last heard of it, or `None` if nobody here waits for it or holds it. No
    /// I/O: [`LockManager::inspect`] asks the store.
    ///
    /// # Examples
    /// ```
    /// # use shylock_core::{LockManager, MemoryBackend};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let manager = LockManager::new(MemoryBackend::new());
    /// let lock = manager.lock("invoice-42");
    /// let guard = lock.acquire().await?;
    /// assert_eq!(lock.last_known_holder().and_then(|holder| holder.pid), Some(std::process::id()));
    /// # shylock_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn last_known_holder(&self) -> Option<HolderInfo> {
        let (manager, Wanted { name, .. }) = self.wanted().ok()?;
        manager.engine().last_holder(&name)
    }

    /// The name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same lock on this manager's store, whatever the default is.
    pub fn with_manager(mut self, manager: LockManager) -> Self {
        self.manager = Some(manager);
        self
    }

    /// The manager on which it would be acquired now: its own, or the process's default.
    ///
    /// # Errors
    /// What [`acquire`](Self::acquire) finds before anything is sent: [`Error::InvalidName`],
    /// [`Error::InvalidOption`], [`Error::NotConfigured`].
    pub fn manager(&self) -> Result<LockManager> {
        LockName::new(&self.name)?;
        self.options.check()?;
        self.manager.clone().map_or_else(LockManager::configured, Ok)
    }

    fn guard(&self, held: Held) -> AsyncLockGuard {
        AsyncLockGuard::new(&self.name, held)
    }

    fn wanted(&self) -> Result<(LockManager, Wanted)> {
        let manager = self.manager()?;
        let options = &manager.engine().options;
        let terms = Terms {
            renews: !self.options.no_renewal,
            max_hold: self.options.max_hold,
            ..options.terms(self.options.ttl.unwrap_or(options.ttl))
        };
        let info = HolderInfo { note: self.options.note.clone(), ..manager.engine().info.clone() };
        let name = manager.full_name(&LockName::new(&self.name)?)?;
        Ok((manager, Wanted { name, info, terms }))
    }
}
