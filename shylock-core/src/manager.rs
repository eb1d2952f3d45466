//! [`LockManager`]: one store and the engine's state for all locks on it.

use std::{fmt, future::Future, sync::Arc, time::Duration};

#[cfg(doc)]
use crate::Error;
use crate::{
    AsyncLock, AsyncLockGuard, Backend, BackendError, LeaseKey, ListQuery, LockInfo, LockManagerBuilder, LockName,
    LockTicket, ReleaseOutcome, Result,
    engine::{Class, Engine, Sent},
};

/// One store, and what all locks on it share in this process: the queues of waiters and the renewal of leases.
///
/// Cheap to clone; all clones are the same manager. It works on the tokio runtime on which it was made. Outside of a
/// runtime, or on one without timers (`enable_time`), it starts a thread of its own; on a runtime without timers, tokio
/// also prints the message of a panic, which is caught.
///
/// When its runtime ends, calls fail with [`Error::Stopped`], and held leases are reported as lost. The same is true of
/// its copy in a forked child process, which touches neither the locks nor the connections of its parent; a child has no
/// default manager until it configures one.
#[derive(Clone)]
pub struct LockManager {
    engine: Arc<Engine>,
}

impl LockManager {
    /// A manager with the default options.
    #[must_use]
    pub fn new(backend: impl Backend) -> Self {
        Self::from(Arc::new(backend) as Arc<dyn Backend>)
    }

    /// A manager with options of your own.
    pub fn builder(backend: impl Backend) -> LockManagerBuilder {
        Self::builder_from(Arc::new(backend))
    }

    /// Like [`builder`](Self::builder), for a store that is shared already.
    pub fn builder_from(backend: Arc<dyn Backend>) -> LockManagerBuilder {
        LockManagerBuilder::of(backend)
    }

    /// Creates a lock handle. Performs no I/O; an invalid name is reported by the first acquisition.
    pub fn lock(&self, name: impl AsRef<str>) -> AsyncLock {
        AsyncLock::on(Some(self.clone()), name.as_ref())
    }

    /// Who holds this lock, or `None` if nobody does.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    ///
    /// # Errors
    /// [`Error::InvalidName`]; [`Error::CorruptRecord`]; [`Error::Backend`], at the latest after the manager's
    /// call time-out; [`Error::Stopped`].
    pub async fn inspect(&self, name: impl AsRef<str>) -> Result<Option<LockInfo>> {
        let name = self.full_name(&LockName::new(name)?)?;
        let info = self.ask(Class::Look, |backend| async move { backend.inspect(&name).await }).await?;
        Ok(info.map(|info| self.shown(info)))
    }

    /// All held locks of this manager's namespace whose names begin with `prefix`, in the byte order of their names.
    /// A corrupt record is left out.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    ///
    /// # Errors
    /// [`Error::Backend`], at the latest after the manager's call time-out for each thousand locks; [`Error::Stopped`].
    pub async fn list(&self, prefix: impl AsRef<str>) -> Result<Vec<LockInfo>> {
        const PAGE: usize = 1000;
        let prefix = format!("{}{}", self.space(), prefix.as_ref());
        let mut all: Vec<LockInfo> = Vec::new();
        loop {
            let query = ListQuery { prefix: prefix.clone(), after: all.last().map(|l| l.name.clone()), limit: PAGE };
            let page = self.ask(Class::Look, |backend| async move { backend.list(&query).await }).await?;
            let full = page.len() >= PAGE;
            all.extend(page);
            if !full {
                return Ok(all.into_iter().map(|info| self.shown(info)).collect());
            }
        }
    }

    /// Frees a lock whoever holds it, and returns who did. The next holder's token is larger, so that the former
    /// holder is fenced off; it learns of its loss with its next renewal, which may be **after** another got in. A
    /// holder in this process is notified at once.
    ///
    /// # Cancel safety
    /// The lock may be broken all the same. A holder in this process then learns of it as any other.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect). A record that is [corrupt](Error::CorruptRecord) takes [`repair`](Self::repair).
    pub async fn force_break(&self, name: impl AsRef<str>) -> Result<Option<LockInfo>> {
        let name = name.as_ref();
        loop {
            let Some(held) = self.inspect(name).await? else { return Ok(None) };
            if self.force_release(&held).await? {
                return Ok(Some(held));
            }
        }
    }

    /// Frees a lock if it is still held by the lease that [`inspect`](Self::inspect) or [`list`](Self::list) has shown, and
    /// returns whether it was: for an operator who was asked about one holder, and must not break the next one's lock.
    ///
    /// # Cancel safety
    /// As [`force_break`](Self::force_break).
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    ///
    /// # Examples
    /// ```
    /// # use shylock_core::{LockManager, MemoryBackend};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let manager = LockManager::new(MemoryBackend::new());
    /// let guard = manager.lock("invoice-42").acquire().await?;
    /// let held = manager.inspect("invoice-42").await?.expect("it is held");
    /// assert!(manager.force_release(&held).await?);
    /// assert!(!manager.force_release(&held).await?, "it is not held any more");
    /// # shylock_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub async fn force_release(&self, held: &LockInfo) -> Result<bool> {
        let name = self.full_name(&held.name)?;
        let lease = LeaseKey { name: name.clone(), holder: held.holder, token: held.token };
        let release = |backend: Arc<dyn Backend>| async move { backend.release(&[lease]).await };
        let released = self.ask(Class::Release, release).await? == [ReleaseOutcome::Released];
        if released {
            self.engine.broken(&name, held);
        }
        Ok(released)
    }

    /// Replaces a [corrupt](Error::CorruptRecord) record by that of a free lock, and returns whether it was corrupt. A sound
    /// record stays as it is, so that no holder loses its lock. Make sure that nobody relies on the corrupt one: it may
    /// have been somebody's.
    ///
    /// The next fencing token is larger than the one in the corrupt record. If that cannot be read, tokens go on by the
    /// server's clock, and are larger than all before unless that clock was set back.
    ///
    /// # Cancel safety
    /// The record may be repaired all the same.
    ///
    /// # Errors
    /// [`Error::InvalidName`]; [`Error::Backend`], at the latest after the manager's call time-out; [`Error::Stopped`].
    ///
    /// # Examples
    /// ```
    /// # use shylock_core::{LockManager, MemoryBackend};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let manager = LockManager::new(MemoryBackend::new());
    /// let guard = manager.lock("invoice-42").acquire().await?;
    /// assert!(!manager.repair("invoice-42").await?, "its record is sound");
    /// assert!(guard.is_held());
    /// # shylock_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub async fn repair(&self, name: impl AsRef<str>) -> Result<bool> {
        let name = self.full_name(&LockName::new(name)?)?;
        let repaired = name.clone();
        let was_corrupt = self.ask(Class::Release, |backend| async move { backend.repair(&repaired).await }).await?;
        self.engine.lines.wake(&name);
        Ok(was_corrupt)
    }

    /// Takes over a lease from another guard, of this process or another, that was detached. It is renewed at once and
    /// from then on, also if the lock was one without renewal; a `max_hold` ended with the former guard.
    ///
    /// Resume a ticket **once**: two guards from one ticket hold the same lease with the same token, which no resource
    /// can tell apart, and the first of them that goes releases the lock for both.
    ///
    /// # Cancel safety
    /// Cancel safe: the ticket stays valid, and its lease may have been renewed.
    ///
    /// # Errors
    /// [`Error::Lost`] if the lease has ended, or was lost when its guard was detached; if the ticket is not what a
    /// guard gave, or is of another namespace; [`Error::Backend`], at the latest after the manager's call time-out;
    /// [`Error::Stopped`].
    ///
    /// # Examples
    /// ```
    /// # use shylock_core::{LockManager, MemoryBackend};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let manager = LockManager::new(MemoryBackend::new());
    /// let guard = manager.lock("invoice-42").acquire().await?;
    /// let token = guard.token();
    /// let ticket = guard.detach(); // to be sent to where the work goes on
    /// let guard = manager.resume(ticket).await?;
    /// assert_eq!(guard.token(), token);
    /// # shylock_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub async fn resume(&self, ticket: LockTicket) -> Result<AsyncLockGuard> {
        AsyncLockGuard::resume(self, ticket).await
    }

    /// Waits until everything that this process has let go of is free on the server: dropped guards, and
    /// acquisitions that were given up. Then has the store bring what it knows to where it lasts. Held guards stay held. Where the store is out of reach, this takes until
    /// the leases in question have ended. Call it before a program ends: its runtime would end with releases unsent.
    ///
    /// # Cancel safety
    /// Cancel safe: the releases go on.
    pub async fn close(&self) {
        self.engine.idle().await;
        self.engine.flush().await;
    }

    /// Whether calls can only fail with [`Error::Stopped`]: the manager's runtime has ended, or this is the copy of a
    /// manager in a forked child. No I/O, no waiting.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.engine.has_ended()
    }

    /// The store, if it is of this type: for what a store can do beyond [`Backend`]. A store that wraps another is
    /// of its own type.
    #[must_use]
    pub fn backend<B: Backend>(&self) -> Option<&B> {
        self.engine.store()
    }

    /// How long a call may take that does not wait for a lock: see [`LockManagerBuilder::call_timeout`].
    #[must_use]
    pub fn call_timeout(&self) -> Duration {
        self.engine.options.call_timeout
    }

    /// Resolves when the manager's runtime has run a task. No I/O: it tells a runtime that runs from one that hangs.
    ///
    /// # Cancel safety
    /// Cancel safe.
    ///
    /// # Errors
    /// [`Error::Stopped`]: the runtime has ended.
    pub async fn pulse(&self) -> Result<()> {
        self.engine.ask(self.engine.options.call_timeout, |_| async { Ok(()) }).await
    }

    pub(crate) const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn of(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::clone(engine) }
    }

    /// Whether a lock of this name has that name in the store.
    pub(crate) fn is_full_name(&self, shown: &str, full: &LockName) -> bool {
        LockName::new(shown).is_ok_and(|name| self.full_name(&name).is_ok_and(|name| name == *full))
    }

    /// The name in the store.
    pub(crate) fn full_name(&self, name: &LockName) -> Result<LockName> {
        match &self.engine.options.namespace {
            Some(_) => Ok(LockName::new(format!("{}{name}", self.space()))?),
            None => Ok(name.clone()),
        }
    }

    fn space(&self) -> String {
        self.engine.options.namespace.as_ref().map_or_else(String::new, |space| format!("{space}/"))
    }

    fn shown(&self, mut info: LockInfo) -> LockInfo {
        let name = info.name.as_str().strip_prefix(&self.space()).and_then(|name| LockName::new(name).ok());
        info.name = name.unwrap_or(info.name);
        info
    }

    async fn ask<T: Send + 'static, F>(&self, class: Class, call: impl FnOnce(Arc<dyn Backend>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, BackendError>> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        let (limit, call) = (engine.options.call_timeout, call(Arc::clone(&engine.backend)));
        let ask = |sent: Sent| async move { Ok(engine.request(class, limit, &sent, || call).await?) };
        self.engine.ask(limit, ask).await
    }
}

impl<B: Backend> From<B> for LockManager {
    fn from(backend: B) -> Self {
        Self::new(backend)
    }
}

impl From<Arc<dyn Backend>> for LockManager {
    fn from(backend: Arc<dyn Backend>) -> Self {
        Self::builder_from(backend).build_unchecked()
    }
}

impl fmt::Debug for LockManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Engine { backend, options, .. } = &*self.engine;
        f.debug_struct("LockManager").field("backend", backend).field("options", options).finish_non_exhaustive()
    }
}
