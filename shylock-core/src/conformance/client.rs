//! [`Client`]: locks as the users of one process have them, through whichever API.

use std::{
    fmt::Debug,
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use tokio::time;

use crate::{AsyncLockGuard, FencingToken, LockInfo, LockManager, LockName, Loss, Result};

/// The locks of one process on one store. The suite's own client is the async API; another API runs the suite by
/// being one, too.
#[async_trait]
pub trait Client: Debug + Send + Sync + 'static {
    /// Begins to wait for the lock, and returns when it is in line. What it returns gives up after `patience`, if
    /// there is any given, with `None`.
    async fn queue_up(&self, name: &LockName, patience: Option<Duration>) -> Waiting;

    /// Acquires the lock if it is free.
    async fn try_acquire(&self, name: &LockName) -> Result<Option<Box<dyn HeldLock>>>;

    /// Frees the lock whoever holds it.
    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>>;

    /// Waits until what was let go of is free.
    async fn close(&self);
}

/// An acquisition that is in line.
pub type Waiting = Pin<Box<dyn Future<Output = Result<Option<Box<dyn HeldLock>>>> + Send>>;

/// A guard. Dropping it releases the lock.
#[async_trait]
pub trait HeldLock: Send + Sync {
    /// Its fencing token.
    fn token(&self) -> FencingToken;

    /// Renews it now.
    async fn renew(&self) -> Result<()>;

    /// Waits for its loss.
    async fn lost(&self) -> Loss;

    /// Releases it.
    async fn release(self: Box<Self>) -> Result<()>;
}

#[async_trait]
impl Client for LockManager {
    async fn queue_up(&self, name: &LockName, patience: Option<Duration>) -> Waiting {
        let lock = self.lock(name);
        let mut acquiring: Waiting = Box::pin(async move {
            let acquiring = lock.acquire();
            let guard = match patience {
                Some(patience) => time::timeout(patience, acquiring).await.ok().transpose()?,
                None => Some(acquiring.await?),
            };
            Ok(guard.map(held))
        });
        match poll_fn(|cx| Poll::Ready(acquiring.as_mut().poll(cx))).await {
            Poll::Ready(outcome) => Box::pin(async { outcome }),
            Poll::Pending => acquiring,
        }
    }

    async fn try_acquire(&self, name: &LockName) -> Result<Option<Box<dyn HeldLock>>> {
        Ok(self.lock(name).try_acquire().await?.map(held))
    }

    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>> {
        self.force_break(name).await
    }

    async fn close(&self) {
        self.close().await;
    }
}

fn held(guard: AsyncLockGuard) -> Box<dyn HeldLock> {
    Box::new(guard)
}

#[async_trait]
impl HeldLock for AsyncLockGuard {
    fn token(&self) -> FencingToken {
        self.token()
    }

    async fn renew(&self) -> Result<()> {
        self.renew().await
    }

    async fn lost(&self) -> Loss {
        self.lost().await
    }

    async fn release(self: Box<Self>) -> Result<()> {
        (*self).release().await
    }
}
