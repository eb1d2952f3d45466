//! [`AsyncLockGuard`]: a held lock.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use crate::{Error, FencingToken, LeaseKey, LockManager, LockTicket, Loss, LossReason, Result, engine::Held};

/// A held lock. It is renewed in the background, and released when it is dropped.
///
/// **Release on drop is not immediate**: it is sent in the background, on the manager's runtime. Use
/// [`release`](Self::release) to know what became of it, and [`LockManager::close`] before the program, and with it the
/// runtime, ends. Dropping needs no runtime, never blocks and never panics; a failure is logged, and the lease's end
/// is the backstop.
///
/// `let _ = lock.acquire().await?;` drops the guard at once; bind it to a name.
#[must_use = "dropping the guard releases the lock"]
#[clippy::has_significant_drop]
pub struct AsyncLockGuard {
    name: Arc<str>,
    held: Held,
}

impl AsyncLockGuard {
    pub(crate) fn new(name: &str, held: Held) -> Self {
        Self { name: Arc::from(name), held }
    }

    /// The lock's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manager that it came from.
    #[must_use]
    pub fn manager(&self) -> LockManager {
        LockManager::of(self.held.engine())
    }

    /// The fencing token of this acquisition: larger than that of every acquisition of this name before.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        self.held.lease().key.token
    }

    /// What identifies the lease in the store: for what a store can do beyond [`Backend`](crate::Backend). Whoever has
    /// it can release the lock; hand it to nobody.
    #[must_use]
    pub fn key(&self) -> &LeaseKey {
        &self.held.lease().key
    }

    /// How long this holder may still act if no renewal succeeds: up to the lease's end less the safety margin, or to
    /// the lock's `max_hold`. Zero once it is lost.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.held.lease().valid_for().unwrap_or_default()
    }

    /// Whether the lease was confirmed so recently that nobody else can have it.
    ///
    /// It compares clocks, without I/O; once it was false, it stays so. True means: a moment ago. The protected
    /// resource may see your write later; that is what the [token](Self::token) is for.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.lease().valid_for().is_ok()
    }

    /// Like [`is_held`](Self::is_held), as an error for `?`.
    ///
    /// # Errors
    /// [`Error::Lost`] says how it was lost.
    pub fn ensure_held(&self) -> Result<()> {
        self.held.lease().valid_for().map(drop).map_err(|reason| Error::Lost { reason })
    }

    /// Resolves when the lease is lost: before anybody else can have it, while this process runs and its clock
    /// keeps to the server's pace. Also resolves when the guard is released, dropped or detached.
    ///
    /// The future does not borrow the guard, and is cancel safe. It can be polled by `&mut` in a loop.
    pub fn lost(&self) -> impl Future<Output = Loss> + Send + Unpin + 'static {
        Box::pin(self.held.lease().lost())
    }

    /// Renews the lease now. The future does not borrow the guard.
    ///
    /// # Cancel safety
    /// Cancel safe: the renewal goes on, and counts if it succeeds.
    ///
    /// # Errors
    /// [`Error::Lost`]: the lease is over, nothing brings it back. [`Error::Backend`]: this renewal failed, or was not
    /// answered within the call time-out or a sixth of the ttl; the lease goes on to its deadline, and background
    /// renewal with it. [`Error::Stopped`].
    pub fn renew(&self) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        self.held.renew()
    }

    /// Renews the lease if that is due, that is, if it was confirmed a third of its ttl ago or longer: for what keeps
    /// renewals waiting, such as a transaction that has written to the lock's record. From then on, the lease is renewed
    /// apart from those that nothing keeps waiting. A lock without renewal in the background is not renewed.
    ///
    /// # Cancel safety
    /// As [`renew`](Self::renew).
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub async fn renew_if_due(&self) -> Result<()> {
        self.ensure_held()?;
        self.held.lease().renew_apart();
        if self.held.lease().is_due() { self.renew().await } else { Ok(()) }
    }

    /// Releases the lock, and tells what became of it. `Ok`: nobody else had the lock before this call, also if the
    /// lease had ended by then.
    ///
    /// # Cancel safety
    /// Cancel safe: the release goes on in the background.
    ///
    /// # Errors
    /// [`Error::Lost`]: it was not this holder's any more, so others may have been in. [`Error::Backend`]: the store
    /// has not confirmed the release within the manager's call time-out; it goes on in the background until the
    /// lease has ended by itself, unless the store refuses. [`Error::Stopped`].
    pub async fn release(self) -> Result<()> {
        self.held.release().await
    }

    /// Ends this guard, and lets the lock come free by itself after `delay`, from 1 s to 24 h: for what must not be
    /// done again for some time, on any host. From here on it takes no process to keep the lock held.
    ///
    /// In the store the lock passes to a placeholder holder, with a token of its own, this one's host and note, and no
    /// process id.
    ///
    /// # Cancel safety
    /// Cancel safe: it goes on in the background.
    ///
    /// # Errors
    /// As [`release`](Self::release). A lock that is lost is given back at once, which is `Ok` if nobody else has had
    /// it: see [`ensure_held`](Self::ensure_held). [`Error::InvalidOption`] for a delay out of its bounds: then the
    /// lock is released as if the guard had been dropped.
    pub async fn release_after(self, delay: Duration) -> Result<()> {
        crate::options::check_span("delay", delay)?;
        self.held.leave(delay).await
    }

    /// Ends this guard without releasing the lock: [`LockManager::resume`] goes on with the ticket, here or in
    /// another process, with the same token. Nobody renews the lease meanwhile. What was lost stays lost: the ticket of
    /// a guard whose lease is lost is refused, and that of a forked child's copy of a guard.
    #[must_use = "the lock stays held until its lease ends, and only the ticket can release it"]
    pub fn detach(self) -> LockTicket {
        let (key, ttl) = self.held.detach();
        LockTicket::new(&self.name, key, ttl)
    }

    pub(crate) async fn resume(manager: &LockManager, ticket: LockTicket) -> Result<Self> {
        let parts = ticket.into_parts().filter(|(name, key, _)| manager.is_full_name(name, &key.name));
        let (name, key, ttl) = parts.ok_or(Error::Lost { reason: LossReason::Taken })?;
        let terms = manager.engine().options.terms(ttl);
        manager.engine().resume(key, terms).await.map(|held| Self { name, held })
    }
}

impl fmt::Debug for AsyncLockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held.lease().valid_for();
        f.debug_struct("AsyncLockGuard")
            .field("name", &self.name)
            .field("token", &self.token())
            .field("held", &held)
            .finish()
    }
}
