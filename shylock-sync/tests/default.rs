//! One default for both APIs, in one process: hence one test.

use std::{sync::mpsc, thread, time::Duration};

use shylock_sync::{AsyncLock, Error, Lock, LockManager, MemoryBackend, block_on, configure};

#[test]
fn one_default_for_both() {
    assert!(matches!(Lock::new("a").acquire(), Err(Error::NotConfigured)));
    assert!(matches!(LockManager::configured(), Err(Error::NotConfigured)));

    // By the blocking API, for both.
    configure(MemoryBackend::new());
    let guard = Lock::new("a").acquire().expect("granted");
    let refused = block_on(async { AsyncLock::new("a").try_acquire().await.expect("the store answers").is_none() });
    assert!(refused, "both see the same store");
    guard.release().expect("released");

    // By the async API, for both.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        shylock_core::configure(MemoryBackend::new());
        let guard = AsyncLock::new("a").acquire().await.expect("granted");
        let refused = thread::spawn(|| Lock::new("a").try_acquire().expect("the store answers").is_none());
        assert!(refused.join().expect("no panic"));
        guard.release().await.expect("released");
    });
    let held = Lock::new("a").acquire().expect("granted");

    // Its runtime ends, and it stays the default until there is another.
    drop(runtime);
    assert!(!held.is_held());
    assert!(matches!(Lock::new("a").acquire(), Err(Error::Stopped)));
    assert!(matches!(block_on(async { AsyncLock::new("a").acquire().await.map(drop) }), Err(Error::Stopped)));

    // A call that waits stays with the default that it began with: here with one that nobody drives.
    let idle = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    idle.block_on(async { shylock_core::configure(MemoryBackend::new()) });
    let (begin, begun) = mpsc::channel();
    let waiting = thread::spawn(move || {
        begin.send(()).expect("somebody waits");
        Lock::new("a").acquire().map(drop)
    });
    begun.recv().expect("it begins");
    // Nothing tells when another thread has entered a blocking call.
    thread::sleep(Duration::from_millis(100));
    configure(MemoryBackend::new());
    assert!(matches!(waiting.join().expect("no panic"), Err(Error::Stalled)));
    Lock::new("a").acquire().expect("granted").release().expect("released");
    let manager = LockManager::configured().expect("it was configured");
    assert!(manager.list("").expect("the store answers").is_empty());
}
