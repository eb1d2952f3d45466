//! Threads that want the same lock, and what they protect.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use shylock_sync::{LockManager, MemoryBackend};

/// What they count is read and written in two steps; without the lock, counts get lost.
fn count(managers: &[LockManager], threads: usize, times: u64) {
    let (count, last_token) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for manager in managers.iter().cycle().take(threads) {
            let (lock, count, last_token) = (manager.lock("a"), &count, &last_token);
            scope.spawn(move || {
                for _ in 0..times {
                    let guard = lock.acquire().expect("granted");
                    let before = count.load(Ordering::Relaxed);
                    let token = guard.token().get();
                    assert!(last_token.swap(token, Ordering::Relaxed) < token, "tokens grow");
                    thread::yield_now();
                    count.store(before + 1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), times * u64::try_from(threads).expect("a few"));
}

#[test]
fn sixty_four_threads_a_thousand_times_lose_nothing() {
    count(&[LockManager::new(MemoryBackend::new())], 64, 1000);
}

#[test]
fn threads_of_two_managers_lose_nothing() {
    let store = MemoryBackend::new();
    count(&[LockManager::new(store.clone()), LockManager::new(store)], 16, 100);
}
