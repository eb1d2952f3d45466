//! All that a lock can live through.

use std::time::Duration;

use shylock_core::LockManager;

/// Each verb that needs the store, for a lock that nobody else uses: for users with few rights.
///
/// # Panics
/// One of them fails.
pub async fn live_a_whole_life(manager: &LockManager, name: &str) {
    let lock = manager.lock(name);
    let guard = lock.acquire().await.expect("granted");
    guard.renew().await.expect("renewed");
    assert!(lock.try_acquire().await.expect("the store answers").is_none());
    assert_eq!(manager.list(name).await.expect("listed").len(), 1);
    let waiting = tokio::spawn({
        let lock = lock.clone();
        async move { lock.acquire_timeout(Duration::from_secs(20)).await }
    });
    tokio::task::yield_now().await;
    guard.release().await.expect("released or handed over");
    waiting.await.expect("no panic").expect("granted").release().await.expect("released");
    let guard = lock.acquire().await.expect("granted");
    assert!(manager.force_break(name).await.expect("broken").is_some());
    assert!(guard.renew().await.is_err());
}
