//! A manager works on whatever runtime it was made, and says what to do when that has ended.

mod support;

use shylock_core::{Error, LockManager, LossReason, MemoryBackend};
use support::ms;
use tokio::runtime::{Builder, Runtime};

/// What can be left out of a runtime, in each flavor.
fn bare_runtimes() -> [Runtime; 4] {
    let nothing = Builder::new_current_thread().build();
    let io_alone = Builder::new_current_thread().enable_io().build();
    let nothing_on_a_worker = Builder::new_multi_thread().worker_threads(1).build();
    let io_alone_on_a_worker = Builder::new_multi_thread().worker_threads(1).enable_io().build();
    [nothing, io_alone, nothing_on_a_worker, io_alone_on_a_worker].map(|runtime| runtime.expect("a runtime"))
}

/// A timer of tokio's would panic there.
#[test]
fn without_timers_a_manager_has_a_thread_of_its_own() {
    for bare in bare_runtimes() {
        bare.block_on(async {
            let manager = LockManager::new(MemoryBackend::new());
            let guard = manager.lock("x").try_acquire().await.expect("an answer").expect("a free lock");
            let error = manager.lock("x").acquire_timeout(ms(100)).await.expect_err("it is held");
            assert!(matches!(error, Error::Timeout { holder: Some(_), .. }), "{error:?}");
            guard.renew().await.expect("renewed");
            assert!(manager.inspect("x").await.expect("an answer").is_some());
            let waiter = tokio::spawn({
                let lock = manager.lock("x");
                async move { lock.acquire().await }
            });
            guard.release().await.expect("released");
            let guard = waiter.await.expect("no panic").expect("granted");
            assert!(manager.force_break("x").await.expect("an answer").is_some());
            assert!(guard.renew().await.is_err());
            assert_eq!(guard.lost().await.reason, LossReason::Taken);
            drop(guard);
            assert_eq!(manager.lock("x").with(async |_| 7).await.expect("granted"), 7);
            manager.close().await;
        });
    }
}

#[test]
fn the_error_of_an_ended_runtime_names_the_way_out() {
    let home = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let manager = home.block_on(async { LockManager::new(MemoryBackend::new()) });
    drop(home);
    let other = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = other.block_on(manager.lock("x").acquire()).expect_err("its runtime has ended");
    assert!(matches!(error, Error::Stopped), "{error:?}");
    assert!(error.to_string().contains("make a manager on a runtime that lasts"), "{error}");
    assert!(error.to_string().contains("`#[tokio::test]`"), "{error}");
}
