//! P9: dropping a guard releases in the background, wherever it happens, and never panics.

mod support;

use std::{thread, time::Duration};

use shylock_core::{Error, LockManager, LossReason};
use support::{Faulty, s};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn is_free(runtime: &Runtime, store: &Faulty, manager: &LockManager) -> bool {
    runtime.block_on(async {
        tokio::time::timeout(s(10), manager.close()).await.expect("the release ends");
        store.holder("x").await.is_none()
    })
}

#[test]
fn in_a_plain_thread() {
    let (runtime, store) = (runtime(), Faulty::default());
    let manager = runtime.block_on(async { store.manager() });
    let guard = runtime.block_on(manager.lock("x").acquire()).expect("granted");
    thread::spawn(move || drop(guard)).join().expect("no panic");
    assert!(is_free(&runtime, &store, &manager));
}

#[test]
fn in_another_runtime() {
    let (home, other, store) = (runtime(), runtime(), Faulty::default());
    let manager = home.block_on(async { store.manager() });
    let guard = other.block_on(manager.lock("x").acquire()).expect("granted from another runtime");
    other.block_on(async move { drop(guard) });
    drop(other);
    assert!(is_free(&home, &store, &manager));
}

#[test]
fn in_an_executor_that_is_not_tokio() {
    let (home, store) = (runtime(), Faulty::default());
    let manager = home.block_on(async { store.manager() });
    // A waker that unparks this thread is all the executor there is.
    let by_hand = |future: std::pin::Pin<Box<dyn Future<Output = _>>>| {
        let mut future = future;
        let waker = std::sync::Arc::new(Unpark(thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        loop {
            if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return done;
            }
            thread::park();
        }
    };
    let lock = manager.lock("x");
    let guard = by_hand(Box::pin(async move { lock.acquire_timeout(s(5)).await })).expect("granted");
    drop(guard);
    assert!(is_free(&home, &store, &manager));
}

struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn while_panicking() {
    let (runtime, store) = (runtime(), Faulty::default());
    let manager = runtime.block_on(async { store.manager() });
    let lock = manager.lock("x");
    let section = runtime.spawn(async move {
        let _guard = lock.acquire().await.expect("granted");
        std::panic::resume_unwind(Box::new("the section fails"));
    });
    assert!(runtime.block_on(section).is_err_and(|error| error.is_panic()));
    assert!(is_free(&runtime, &store, &manager));
}

/// The guard outlives the runtime: its holder is told, dropping it does nothing, and calls say why they fail.
#[test]
fn after_the_end_of_the_runtime() {
    let (home, other, store) = (runtime(), runtime(), Faulty::default());
    let manager = home.block_on(async { store.manager() });
    let lock = manager.lock("x");
    let guard = home.block_on(lock.acquire()).expect("granted");
    let told = other.spawn(guard.lost());
    home.shutdown_timeout(Duration::from_secs(5));
    let loss = other.block_on(async { tokio::time::timeout(s(5), told).await.expect("told").expect("no panic") });
    assert_eq!(loss.reason, LossReason::Stopped);
    assert!(!guard.is_held());
    drop(guard);
    for error in [
        other.block_on(lock.acquire()).expect_err("no runtime"),
        other.block_on(lock.try_acquire()).expect_err("no runtime"),
        other.block_on(manager.inspect("x")).expect_err("no runtime"),
    ] {
        assert!(matches!(error, Error::Stopped), "{error:?}");
    }
    other.block_on(async { tokio::time::timeout(s(5), manager.close()).await.expect("nothing is under way") });
    let held = other.block_on(store.holder("x")).expect("it runs out by itself");
    assert!(held.remaining <= s(30));
}

/// A manager that was made outside of any runtime has a thread of its own, and renews though the user's only thread
/// is blocked.
#[test]
fn a_thread_of_its_own_keeps_a_lease_alive() {
    let store = Faulty::default();
    let manager = LockManager::builder(store.clone()).ttl(s(2)).build().expect("valid");
    let user = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let guard = user.block_on(manager.lock("x").acquire()).expect("granted");
    let token = guard.token();
    // The user's section computes for longer than two leases without an await.
    let busy = std::time::Instant::now();
    while busy.elapsed() < s(5) {
        thread::yield_now();
    }
    assert!(guard.is_held(), "renewed meanwhile");
    assert_eq!(user.block_on(store.holder("x")).expect("held").token, token);
    drop(guard);
    assert!(is_free(&user, &store, &manager));
}

#[test]
fn own_thread_can_be_asked_for_and_outlives_the_runtime() {
    let (home, store) = (runtime(), Faulty::default());
    let manager = home.block_on(async { LockManager::builder(store.clone()).own_thread().build() }).expect("valid");
    let guard = home.block_on(manager.lock("x").acquire()).expect("granted");
    drop(home);
    assert!(guard.is_held());
    drop(guard);
    assert!(is_free(&runtime(), &store, &manager));
}
