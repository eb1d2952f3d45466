//! All that one does with a lock on MongoDB, in async code: `mongo_async mongodb://HOST/`.

use std::{env, time::Duration};

use shylock_mongo::{AsyncLock, AsyncLockGuard, Error, LockManager, MongoBackend, Result, configure};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let uri = env::args().nth(1).unwrap_or_else(|| "mongodb://localhost:27017".into());
    let manager = LockManager::new(MongoBackend::connect(uri, "shylock_examples").await?);
    configure(manager.clone());
    let lock = AsyncLock::new("report").with_note("monthly report");

    // Wait as long as it takes. The guard is renewed in the background while it lives.
    let guard = lock.acquire().await?;
    println!("held with token {}, for {:?} more without a renewal", guard.token(), guard.remaining());

    // Never wait. The lock is not reentrant: this is refused though the same task holds it.
    if lock.try_acquire().await?.is_none() {
        println!("refused, as it is held");
    }

    // Wait for a while. Whoever times out learns who held it.
    if let Err(Error::Timeout { holder: Some(holder), .. }) = lock.acquire_timeout(Duration::from_millis(200)).await {
        println!("timed out: still held by {holder}");
    }

    // Just before you write: is it still mine? And let the resource check the token for the moment after.
    guard.ensure_held()?;
    write_report(&guard).await;

    // To know that it is released; dropping the guard would do it in the background.
    guard.release().await?;

    // All in one. The work is cancelled if the lease is lost.
    let pages = lock.with(async |guard| write_report(guard).await).await?;
    println!("{pages} pages written under the lock");

    println!("held now: {:?}", manager.list("").await?.iter().map(|held| held.name.as_str()).collect::<Vec<_>>());
    manager.close().await;
    Ok(())
}

/// What the lock protects. A real one would send the token along, and refuse a smaller one.
async fn write_report(guard: &AsyncLockGuard) -> u32 {
    sleep(Duration::from_millis(50)).await;
    println!("report written with token {}", guard.token());
    3
}
