//! [`LockGuard`]: a held lock.

use std::{fmt, time::Duration};

use shylock_core::{AsyncLockGuard, Error, FencingToken, LockTicket, Loss, LossReason, Result};

use crate::{
    call::{Limit, wait},
    loss,
    runtime::{self, Outcome},
};

/// How long dropping a guard waits unless told otherwise.
pub(crate) const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// A held lock: [`AsyncLockGuard`] for synchronous code. It is renewed in the background, and released when it is
/// dropped.
///
/// **Dropping it releases the lock before it returns**, also while the thread panics. If the store does not answer
/// within [`with_drop_timeout`](crate::Lock::with_drop_timeout), it returns all the same, and the release goes on in
/// the background. It never panics; a failure is logged, and the lease's end is the backstop. In a task that runs on
/// this crate's own runtime it does not wait at all.
///
/// A guard that is alive when the process ends, in a `static` for example, is **not** released: its lock comes free
/// when its lease ends. In a forked child, a copied guard says that it is lost, and does nothing to the parent's lock.
#[must_use = "dropping the guard releases the lock"]
#[clippy::has_significant_drop]
pub struct LockGuard {
    /// Always there, but in `drop` and in what consumes the guard.
    inner: Option<AsyncLockGuard>,
    drop_timeout: Duration,
}

impl LockGuard {
    pub(crate) const fn new(guard: AsyncLockGuard, drop_timeout: Duration) -> Self {
        Self { inner: Some(guard), drop_timeout }
    }

    /// The lock's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner().name()
    }

    /// Like [`AsyncLockGuard::token`]: larger than that of every acquisition of this name before.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        self.inner().token()
    }

    /// Like [`AsyncLockGuard::remaining`]: how long this holder may still act if no renewal succeeds.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.inner().remaining()
    }

    /// Like [`AsyncLockGuard::is_held`]: whether nobody else can have the lock. No I/O, no waiting.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.inner().is_held()
    }

    /// Like [`AsyncLockGuard::ensure_held`].
    ///
    /// # Errors
    /// [`Error::Lost`] says how it was lost.
    pub fn ensure_held(&self) -> Result<()> {
        self.inner().ensure_held()
    }

    /// How long dropping this guard waits for its release, see
    /// [`Lock::with_drop_timeout`](crate::Lock::with_drop_timeout).
    pub const fn with_drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// [`wait_lost`](Self::wait_lost) by the name that the async guard has for it.
    ///
    /// # Panics
    /// As `wait_lost`.
    #[must_use]
    pub fn lost(&self) -> Loss {
        self.wait_lost()
    }

    /// Blocks until the lease is lost, as [`AsyncLockGuard::lost`] tells it: before anybody else can have it. To be
    /// called on a thread of its own; the guard can be shared with it, as by [`std::thread::scope`].
    ///
    /// # Panics
    /// The caller is a task on this crate's own runtime, whose thread would stop renewing all leases.
    #[must_use]
    pub fn wait_lost(&self) -> Loss {
        loss::wait(self.inner())
    }

    /// Like [`wait_lost`](Self::wait_lost), but no longer than `timeout`. `None`: the lock is still held.
    ///
    /// # Panics
    /// As `wait_lost`.
    #[must_use]
    pub fn wait_lost_timeout(&self, timeout: Duration) -> Option<Loss> {
        loss::wait_for(self.inner(), timeout)
    }

    /// Calls `alarm` once if the lease is lost before the guard is released, dropped or detached. It runs on a thread
    /// of its own, which is started for it, and must not depend on the guard. It is told by the runtime of the lock's
    /// manager; [`wait_lost`](Self::wait_lost) looks at the clock, too.
    pub fn on_lost(&self, alarm: impl FnOnce(Loss) + Send + 'static) {
        loss::alarm(self.inner(), alarm);
    }

    /// Like [`AsyncLockGuard::renew`]: renews the lease now.
    ///
    /// # Errors
    /// As `AsyncLockGuard::renew`, and [`Error::Stalled`].
    pub fn renew(&self) -> Result<()> {
        wait(&self.inner().manager(), Limit::Call, self.inner().renew())
    }

    /// Like [`AsyncLockGuard::release`]: releases the lock, and tells what became of it.
    ///
    /// # Errors
    /// As `AsyncLockGuard::release`, and [`Error::Stalled`].
    pub fn release(mut self) -> Result<()> {
        let guard = self.take();
        wait(&guard.manager(), Limit::Call, async move { guard.release().await })
    }

    /// Like [`AsyncLockGuard::release_after`]: ends this guard, and lets the lock come free by itself after `delay`.
    ///
    /// # Errors
    /// As `AsyncLockGuard::release_after`, and [`Error::Stalled`].
    pub fn release_after(mut self, delay: Duration) -> Result<()> {
        let guard = self.take();
        wait(&guard.manager(), Limit::Call, async move { guard.release_after(delay).await })
    }

    /// Like [`AsyncLockGuard::detach`]: ends this guard without releasing the lock. The ticket can be resumed by the
    /// blocking and by the async API, in this process or in another.
    #[must_use = "the lock stays held until its lease ends, and only the ticket can release it"]
    pub fn detach(mut self) -> LockTicket {
        self.take().detach()
    }

    /// The same guard for async code: for what its store offers beyond this crate, by
    /// [`block_on`](crate::block_on).
    pub fn as_async(&self) -> &AsyncLockGuard {
        self.inner()
    }

    fn inner(&self) -> &AsyncLockGuard {
        self.inner.as_ref().expect(THERE)
    }

    fn take(&mut self) -> AsyncLockGuard {
        self.inner.take().expect(THERE)
    }
}

/// Only methods that end the guard take its inside away.
const THERE: &str = "a guard has its inside until it ends";

impl Drop for LockGuard {
    fn drop(&mut self) {
        let Some(guard) = self.inner.take() else { return };
        let stopped = matches!(guard.ensure_held(), Err(Error::Lost { reason: LossReason::Stopped }))
            || !runtime::is_running() && guard.manager().has_stopped();
        if stopped || runtime::is_own_thread() {
            // Nothing can be waited for. The inner guard does what can be done.
            return drop(guard);
        }
        let name = guard.name().to_owned();
        // Where no thread can be started, the inner guard is dropped, and so released in the background.
        let Ok(release) = runtime::call(release(guard)) else { return };
        if matches!(release.within(self.drop_timeout), Outcome::NotYet) {
            tracing::debug!(lock = %name, "a release takes longer than its guard waits, and goes on in the background");
            release.leave();
        }
    }
}

async fn release(guard: AsyncLockGuard) {
    let name = guard.name().to_owned();
    match guard.release().await {
        Ok(()) => {}
        Err(error @ Error::Lost { .. }) => {
            tracing::debug!(lock = %name, %error, "a dropped guard was not the holder any more")
        }
        Err(error) => not_released(&name, &error),
    }
}

/// Nobody else is told of it.
pub(crate) fn not_released(lock: &str, error: &Error) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(%lock, error, "a lock could not be released; its lease ends by itself");
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guard = self.inner();
        let held = guard.ensure_held().map(|()| guard.remaining());
        f.debug_struct("LockGuard")
            .field("name", &guard.name())
            .field("token", &guard.token())
            .field("held", &held)
            .finish()
    }
}
