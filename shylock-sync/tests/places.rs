//! Odd places to lock from: async code of both kinds, pool threads, and runtimes that do not run.

#[allow(unreachable_pub, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/stopwatch.rs"]
mod stopwatch;

use std::{
    future::pending,
    thread,
    time::{Duration, Instant},
};

use shylock_sync::{AsyncLock, Error, LockManager, LossReason, MemoryBackend, block_on};
use stopwatch::Stopwatch;
use tokio::runtime::{Builder, Runtime};

const SECOND: Duration = Duration::from_secs(1);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("a runtime")
}

/// All that one does with a lock.
fn use_lock(manager: &LockManager) {
    let lock = manager.lock("a");
    {
        let guard = lock.acquire().expect("granted");
        guard.renew().expect("renewed");
        assert!(lock.try_acquire().expect("the store answers").is_none());
        assert!(matches!(lock.acquire_timeout(Duration::from_millis(10)), Err(Error::Timeout { .. })));
    }
    lock.with(|guard| assert!(guard.is_held())).expect("granted");
    assert!(manager.list("").expect("the store answers").is_empty());
    manager.close().expect("the runtime runs");
}

#[test]
fn inside_async_code_of_both_flavours() {
    for runtime in [current_thread(), multi_thread(1), multi_thread(2)] {
        runtime.block_on(async {
            use_lock(&LockManager::new(MemoryBackend::new()));
            // In a task, of which there can be as many at once as there are threads.
            tokio::spawn(async { use_lock(&LockManager::new(MemoryBackend::new())) }).await.expect("no panic");
        });
    }
}

#[test]
fn inside_spawn_blocking() {
    for runtime in [current_thread(), multi_thread(2)] {
        let in_pool = || use_lock(&LockManager::new(MemoryBackend::new()));
        runtime.block_on(async { tokio::task::spawn_blocking(in_pool).await.expect("no panic") });
    }
}

#[test]
fn block_on_inside_async_code_inside_block_on() {
    let runtime = multi_thread(2);
    let sum = runtime.block_on(async {
        let task = tokio::spawn(async {
            block_on(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                // More awaits than a task has budget for in one go.
                let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
                (0..1000).for_each(|number| send.send(number).expect("there is a receiver"));
                drop(send);
                let mut sum = 0;
                while let Some(number) = receive.recv().await {
                    sum += block_on(async { number });
                }
                sum
            })
        });
        task.await.expect("no panic")
    });
    assert_eq!(sum, 499_500);
}

#[test]
fn block_on_takes_what_is_borrowed_and_what_stays_on_its_thread() {
    let (text, counter) = (String::from("borrowed"), std::rc::Rc::new(()));
    let length = block_on(async {
        tokio::task::yield_now().await;
        assert_eq!(std::rc::Rc::strong_count(&counter), 1);
        text.len()
    });
    assert_eq!(length, 8);
}

#[test]
fn what_block_on_spawns_goes_on_after_it() {
    let (tell, told) = std::sync::mpsc::channel();
    block_on(async move {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            tell.send(()).expect("somebody waits");
        });
    });
    told.recv_timeout(10 * SECOND).expect("it went on");
}

#[test]
fn on_the_thread_of_the_runtime_itself_nothing_waits() {
    let manager = LockManager::new(MemoryBackend::new());
    let guard = manager.lock("a").acquire().expect("granted");
    let on_it = manager.clone();
    block_on(async {
        let since = Instant::now();
        let task = tokio::spawn(async move {
            assert!(matches!(on_it.lock("b").acquire(), Err(Error::Stalled)));
            assert!(matches!(guard.renew(), Err(Error::Stalled)));
            drop(guard);
        });
        task.await.expect("no panic");
        let waiting = LockManager::new(MemoryBackend::new()).lock("a");
        let waiting = tokio::task::spawn_blocking(move || waiting.acquire().expect("granted"));
        let waited = waiting.await.expect("no panic");
        let waited = tokio::spawn(async move { waited.wait_lost() });
        assert!(waited.await.expect_err("it is told").is_panic());
        let nested = tokio::spawn(async { block_on(pending::<()>()) });
        assert!(nested.await.expect_err("it is told").is_panic());
        assert!(since.elapsed() < SECOND, "{:?}", since.elapsed());
    });
    manager.close().expect("the runtime runs");
    assert!(manager.inspect("a").expect("the store answers").is_none(), "the dropped guard released");
}

/// A manager of the async API, on this runtime.
fn on(runtime: &Runtime) -> LockManager {
    runtime.block_on(async { LockManager::from(shylock_core::LockManager::new(MemoryBackend::new())) })
}

#[test]
fn a_thread_uses_the_manager_of_an_async_runtime_and_outlives_it() {
    let runtime = multi_thread(1);
    let manager = on(&runtime);
    use_lock(&manager);
    let (guard, dropped) = (manager.lock("a").acquire(), manager.lock("b").acquire());
    let (guard, dropped) = (guard.expect("granted"), dropped.expect("granted"));
    let waiting = manager.lock("a");
    let waiting = thread::spawn(move || waiting.acquire().map(drop));
    drop(runtime);

    assert!(matches!(waiting.join().expect("no panic"), Err(Error::Stopped)));
    let since = Instant::now();
    assert_eq!(guard.wait_lost().reason, LossReason::Stopped);
    assert!(!guard.is_held());
    drop(dropped);
    assert!(matches!(guard.release(), Err(Error::Stopped)));
    assert!(matches!(manager.lock("a").acquire(), Err(Error::Stopped)));
    assert!(matches!(manager.inspect("a"), Err(Error::Stopped)));
    assert!(matches!(manager.close(), Err(Error::Stopped)));
    assert!(since.elapsed() < SECOND, "told at once, not after {:?}", since.elapsed());
}

/// Whoever is late is told why: in a short time nobody can tell a runtime that hangs from a busy machine.
#[test]
fn a_time_limit_holds_though_nobody_drives_the_runtime() {
    let runtime = current_thread();
    let manager = on(&runtime);
    let waits = [100, 1500, 2600, 4000].map(Duration::from_millis).map(|limit| {
        let lock = manager.lock("a");
        thread::spawn(move || {
            let watch = Stopwatch::start();
            let outcome = lock.acquire_timeout(limit).map(drop);
            (limit, watch.elapsed(), watch.took(), outcome)
        })
    });
    for waited in waits {
        let (limit, elapsed, took, outcome) = waited.join().expect("no panic");
        assert!(elapsed >= limit && took <= limit + Stopwatch::OVERRUN, "{elapsed:?}, {took:?} for {limit:?}");
        match outcome {
            Err(Error::Timeout { waited, holder: None }) => assert!(waited == limit && limit < 2 * SECOND),
            Err(Error::Stalled) => assert!(limit > 2 * SECOND),
            other => panic!("{other:?} after {limit:?}"),
        }
    }
    let quick = shylock_core::LockManager::builder(MemoryBackend::new()).call_timeout(SECOND);
    let quick = runtime.block_on(async { LockManager::from(quick.build().expect("good options")) });
    let watch = Stopwatch::start();
    let outcome = quick.lock("a").try_acquire();
    let took = watch.took();
    assert!(matches!(outcome, Err(Error::Backend { retryable: true, .. })), "{outcome:?}");
    assert!(took <= SECOND + Stopwatch::OVERRUN, "{took:?}");
    drop(runtime);
}

/// The runtime of the manager is there, but its only thread does something else.
#[test]
fn a_runtime_that_nobody_drives_is_an_error_in_time() {
    let runtime = current_thread();
    let manager = on(&runtime);
    let since = Instant::now();
    let calls: [fn(LockManager) -> Result<(), Error>; 4] = [
        |manager| manager.lock("a").acquire().map(drop),
        |manager| manager.lock("a").try_acquire().map(drop),
        |manager| manager.inspect("a").map(drop),
        |manager| manager.close(),
    ];
    let calls = calls.map(|call| {
        let manager = manager.clone();
        thread::spawn(move || call(manager))
    });
    for call in calls {
        assert!(matches!(call.join().expect("no panic"), Err(Error::Stalled)));
    }
    let took = since.elapsed();
    assert!(took < 6 * SECOND, "{took:?}");
    drop(runtime);
}

#[test]
fn a_runtime_that_waits_for_the_call_itself_is_an_error_in_time() {
    let runtime = current_thread();
    let manager = on(&runtime);
    let since = Instant::now();
    let call = runtime.block_on(async { manager.lock("a").acquire().map(drop) });
    assert!(matches!(call, Err(Error::Stalled)), "{call:?}");
    assert!(since.elapsed() < 6 * SECOND, "{:?}", since.elapsed());
    // Driven again, it has nothing left over from the call.
    runtime.block_on(async {
        tokio::task::spawn_blocking(move || use_lock(&manager)).await.expect("no panic");
    });
}

#[test]
fn a_loss_is_told_though_the_runtime_of_the_lock_does_not_run() {
    let runtime = current_thread();
    let manager = on(&runtime);
    let guard = runtime.block_on(async {
        let lock = manager.lock("a").with_ttl(SECOND);
        tokio::task::spawn_blocking(move || lock.acquire().expect("granted")).await.expect("no panic")
    });
    let left = guard.remaining();
    let watch = Stopwatch::start();
    assert_eq!(guard.wait_lost().reason, LossReason::Expired);
    let took = watch.took();
    assert!(took <= left + Stopwatch::OVERRUN, "{took:?} of {left:?}");
    drop(runtime);
}

#[test]
fn async_locks_work_on_a_manager_for_threads() {
    let manager = LockManager::new(MemoryBackend::new());
    shylock_sync::configure(manager.clone());
    for runtime in [current_thread(), multi_thread(2)] {
        runtime.block_on(async {
            let guard = AsyncLock::new("a").acquire().await.expect("granted");
            assert!(manager.list("").expect("the store answers").iter().any(|held| held.token == guard.token()));
            guard.release().await.expect("released");
        });
    }
}
