//! What becomes of a guard that is dropped, wherever that happens.

mod slow;
#[allow(unreachable_pub, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/stopwatch.rs"]
mod stopwatch;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{LazyLock, Mutex},
    thread,
    time::Duration,
};

use shylock_sync::{Lock, LockGuard, LockManager, MemoryBackend};
use slow::Slow;
use stopwatch::Stopwatch;

fn manager() -> LockManager {
    LockManager::new(MemoryBackend::new())
}

fn is_free(manager: &LockManager, name: &str) -> bool {
    manager.inspect(name).expect("the store answers").is_none()
}

#[test]
fn it_is_free_when_drop_returns() {
    let store = Slow::to_release(Duration::from_millis(100));
    let manager = LockManager::new(store.clone());
    drop(manager.lock("a").acquire().expect("granted"));
    assert_eq!(store.released(), 1, "drop waited for the release");
    assert!(is_free(&manager, "a"));
}

#[test]
fn a_panic_releases_too() {
    let manager = manager();
    let panics = AssertUnwindSafe(|| manager.lock("a").with(|_| std::panic::resume_unwind(Box::new("as planned"))));
    catch_unwind(panics).expect_err("the panic goes on").downcast::<&str>().expect("the same panic");
    assert!(is_free(&manager, "a"));
    catch_unwind(AssertUnwindSafe(|| {
        let _guard = manager.lock("a").acquire().expect("granted");
        std::panic::resume_unwind(Box::new("as planned"));
    }))
    .expect_err("the panic goes on");
    assert!(is_free(&manager, "a"));
}

#[test]
fn it_waits_no_longer_than_its_option_says_and_goes_on_in_the_background() {
    let store = Slow::to_release(Duration::from_millis(600));
    let manager = LockManager::new(store.clone());
    for limit in [Duration::ZERO, Duration::from_millis(100)] {
        let guard = manager.lock("a").with_drop_timeout(limit).acquire().expect("granted");
        let watch = Stopwatch::start();
        drop(guard);
        let (elapsed, took) = (watch.elapsed(), watch.took());
        assert!(elapsed >= limit && took < limit + Stopwatch::OVERRUN, "{elapsed:?}, {took:?} for {limit:?}");
        manager.close().expect("the runtime runs");
        assert!(is_free(&manager, "a"));
    }
    assert_eq!(store.released(), 2);
}

#[test]
fn two_seconds_unless_told_otherwise() {
    let manager = LockManager::new(Slow::to_release(Duration::from_secs(4)));
    let guard = manager.lock("a").acquire().expect("granted");
    let watch = Stopwatch::start();
    drop(guard);
    let (elapsed, took) = (watch.elapsed(), watch.took());
    assert!(
        elapsed >= Duration::from_secs(2) && took < Duration::from_secs(2) + Stopwatch::OVERRUN,
        "{elapsed:?}, {took:?}"
    );
}

#[test]
fn within_the_drop_of_another_value() {
    struct Section(Option<LockGuard>, LockManager);
    impl Drop for Section {
        fn drop(&mut self) {
            assert!(self.1.lock("b").try_acquire().expect("the store answers").is_some(), "locks work in here, too");
            drop(self.0.take());
        }
    }
    let manager = manager();
    drop(Section(manager.lock("a").acquire().ok(), manager.clone()));
    assert!(is_free(&manager, "a") && is_free(&manager, "b"));
}

#[test]
fn with_the_locals_of_a_thread() {
    thread_local!(static HELD: RefCell<Option<LockGuard>> = const { RefCell::new(None) });
    let manager = manager();
    let lock = manager.lock("a");
    thread::spawn(move || HELD.set(lock.acquire().ok())).join().expect("no panic");
    assert!(is_free(&manager, "a"));
}

#[test]
fn out_of_a_static() {
    static MANAGER: LazyLock<LockManager> = LazyLock::new(manager);
    static LOCK: LazyLock<Lock> = LazyLock::new(|| MANAGER.lock("a"));
    static HELD: Mutex<Option<LockGuard>> = Mutex::new(None);
    *HELD.lock().expect("no panic") = LOCK.acquire().ok();
    assert!(!is_free(&MANAGER, "a"));
    thread::spawn(|| drop(HELD.lock().expect("no panic").take())).join().expect("no panic");
    assert!(is_free(&MANAGER, "a"));
}
