//! Many tasks on several threads, in real time: what only shows when things happen at once.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use shylock_core::{Backend, LockManager, LockName, MemoryBackend};
use support::{Faulty, s};
use tokio::{task::JoinSet, time::timeout};

/// The keeper starts with the first lease and ends with the last; whoever comes in between keeps its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leases_that_come_and_go_are_never_told_lost() {
    let manager = LockManager::new(MemoryBackend::new());
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let manager = manager.clone();
        tasks.spawn(async move {
            for round in 0..10_000 {
                let guard = manager.lock(format!("{task}")).acquire().await.expect("granted");
                if round % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                guard.ensure_held().unwrap_or_else(|error| panic!("in round {round}: {error}"));
                guard.release().await.expect("released");
            }
        });
    }
    timeout(s(120), tasks.join_all()).await.expect("in time");
}

/// Tasks of two managers on one lock: never two at once, tokens in order, nobody forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_of_two_managers_exclude_each_other() {
    let store = Faulty::default();
    let (inside, last) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for manager in [store.manager(), store.manager()] {
        for _ in 0..8 {
            let lock = manager.lock("x");
            let (inside, last) = (Arc::clone(&inside), Arc::clone(&last));
            tasks.spawn(async move {
                for _ in 0..100 {
                    let guard = lock.acquire().await.expect("granted");
                    assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                    tokio::task::yield_now().await;
                    let token = guard.token().get();
                    assert!(last.swap(token, Ordering::SeqCst) < token, "tokens grow");
                    inside.store(false, Ordering::SeqCst);
                    guard.release().await.expect("released");
                }
            });
        }
    }
    timeout(s(120), tasks.join_all()).await.expect("nobody is forgotten");
    assert_eq!(store.holder("x").await, None);
}

/// Whatever was cancelled at whatever moment, nothing is held once `close` has returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn close_misses_nothing_that_was_cancelled() {
    let store = MemoryBackend::new();
    let manager = LockManager::new(store.clone());
    let name = LockName::new("x").expect("a name");
    for round in 0..20_000_u32 {
        let lock = manager.lock("x");
        let acquiring = tokio::spawn(async move { drop(lock.acquire().await) });
        for _ in 0..round % 4096 {
            std::hint::spin_loop();
        }
        acquiring.abort();
        drop(acquiring.await);
        manager.close().await;
        let held = store.inspect(&name).await.expect("memory answers");
        assert_eq!(held, None, "in round {round}");
    }
}
