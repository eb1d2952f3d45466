//! What a review of waiting found: each of these once failed.

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use shylock_core::{Backend, Error, LockManager, LockName, MemoryBackend};
use support::{Fault, Faulty, Op, ms, s};
use tokio::{
    runtime::Builder,
    task::{JoinHandle, JoinSet, yield_now},
    time::{Instant, sleep, timeout},
};

/// One who waits, after its first attempt and what that leads to.
async fn spawn_waiter(manager: &LockManager, name: &str) -> JoinHandle<()> {
    let lock = manager.lock(name);
    let waiter = tokio::spawn(async move { lock.acquire().await.expect("granted").release().await.expect("released") });
    for _ in 0..20 {
        yield_now().await;
    }
    waiter
}

/// `force_break` in the process that holds the lock: the lock is free, and this process believes that it holds it.
#[tokio::test(start_paused = true)]
async fn what_this_manager_has_broken_is_free_for_it_at_once() {
    let store = Faulty::default();
    let here = store.manager();
    let guard = here.lock("x").acquire().await.expect("granted");
    here.force_break("x").await.expect("broken").expect("it was held");
    assert_eq!(store.holder("x").await, None);
    let since = Instant::now();
    let next = here.lock("x").acquire().await.expect("granted");
    assert!(since.elapsed() < s(1), "the lock was free, and it slept {:?}", since.elapsed());
    drop((guard, next));
}

/// The same with a time limit: `Timeout` with a holder, for a lock that nobody holds, and the store is never asked.
#[tokio::test(start_paused = true)]
async fn a_free_lock_is_not_told_to_be_held() {
    let store = Faulty::default();
    let here = store.manager();
    let _guard = here.lock("x").acquire().await.expect("granted");
    // Any other process, or an operator.
    store.manager().force_break("x").await.expect("broken").expect("it was held");
    let asked = store.calls(Op::Acquire);
    let outcome = here.lock("x").acquire_timeout(s(2)).await;
    assert!(outcome.is_ok(), "{outcome:?} after asking {} times", store.calls(Op::Acquire) - asked);
}

/// A guard is detached; who waits here for the local holder is not told, and hears no stream.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_local_holder_hears_when_its_ticket_is_released_elsewhere() {
    for (poll, most) in [(s(1), s(2)), (s(3000), s(60))] {
        let store = Faulty::default();
        let here = LockManager::builder(store.clone()).poll_limits(ms(25), poll).ttl(s(3600)).build().expect("options");
        let other = store.manager();
        let guard = here.lock("x").acquire().await.expect("granted");
        let waiter = spawn_waiter(&here, "x").await;
        let ticket = guard.detach();
        sleep(ms(50)).await;
        other.resume(ticket).await.expect("resumed").release().await.expect("released");
        let since = Instant::now();
        waiter.await.expect("no panic");
        assert!(
            since.elapsed() < most,
            "the lock was free for {:?}, streams: {}",
            since.elapsed(),
            store.calls(Op::Watch)
        );
    }
}

/// Nothing is held, nothing is to be released; but the driver hangs in `watch`.
#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_stream_that_does_not_open() {
    let store = Faulty::default();
    store.on(Op::Watch, Fault::Hangs);
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    let here = store.manager();
    here.lock("x").acquire_timeout(s(10)).await.expect_err("held");
    guard.release().await.expect("released");
    timeout(s(300), here.close()).await.expect("there is nothing to release");
}

/// Who queues is woken under the mutex of the lines, by a waker of the user's executor. One whose executor has been
/// closed drops the future there and then, as `async-task` does where its schedule function cannot queue the task.
#[test]
fn a_waker_that_drops_its_task_is_no_deadlock() {
    struct Task(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            let task = self.0.lock().expect("no panic").take();
            drop(task);
        }
    }
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let store = Faulty::default();
        let manager = runtime.block_on(async { store.manager() });
        let guard = runtime.block_on(manager.lock("x").acquire()).expect("granted");
        let in_line = |waker: &Waker| {
            let lock = manager.lock("x");
            let mut waiter: Pin<Box<dyn Future<Output = ()> + Send>> =
                Box::pin(async move { drop(lock.acquire().await) });
            assert!(waiter.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            waiter
        };
        let first = in_line(Waker::noop());
        let task = Arc::new(Task(Mutex::new(None)));
        *task.0.lock().expect("no panic") = Some(in_line(&Waker::from(Arc::clone(&task))));
        // The first leaves, so it is the second's turn. Nothing tells when its task waits for the holder.
        drop(first);
        thread::sleep(ms(100));
        runtime.block_on(async move { timeout(s(5), guard.release()).await.expect("in time").expect("released") });
        drop(runtime);
        tell.send(()).expect("the test waits");
    });
    told.recv_timeout(s(20)).expect("a deadlock: all locks of this manager hang for ever");
}

/// Four renewals of long leases hang; a short lease is lost though the store answers everybody else.
#[tokio::test(start_paused = true)]
async fn a_short_lease_is_renewed_while_requests_for_long_ones_hang() {
    let store = Faulty::default();
    let manager = store.manager();
    let mut guards = Vec::new();
    for number in 0..4000 {
        guards.push(manager.lock(format!("{number}")).acquire().await.expect("granted"));
    }
    sleep(ms(500)).await;
    let short = manager.lock("short").with_ttl(s(3)).acquire().await.expect("granted");
    sleep(ms(9_495)).await;
    short.ensure_held().expect("renewed each second");
    // Four connections that have lost their packets; all others work.
    store.next(4, Op::Renew, Fault::Hangs);
    sleep(s(6)).await;
    short.ensure_held().expect("the store has answered all other requests at once");
    assert!(guards.iter().all(shylock_core::AsyncLockGuard::is_held));
}

/// The sign of life comes from a thread for blocking code, while the runtime's only worker hangs.
#[test]
fn the_pulse_of_a_runtime_that_hangs_is_not_felt() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let manager = runtime.block_on(async { LockManager::new(MemoryBackend::new()) });
    let (end, ended) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    runtime.spawn(async move {
        let _ = begin.send(());
        let _ = ended.recv();
    });
    begun.recv_timeout(s(10)).expect("it runs");
    let (tell, told) = mpsc::channel();
    runtime.spawn_blocking(move || {
        let mut pulse = Box::pin(async move { manager.pulse().await });
        let felt = pulse.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        let _ = tell.send(felt);
    });
    let felt = told.recv_timeout(s(10)).expect("it runs");
    drop(end);
    assert!(!felt, "the worker hangs, and the pulse says that it has run a task");
}

/// The first in line is a future that nobody polls: its lock is acquired for it, as anybody's, and is let go with it.
#[tokio::test(start_paused = true)]
async fn a_future_that_nobody_polls_holds_what_it_waited_for() {
    let store = Faulty::default();
    let here = store.manager();
    let guard = here.lock("x").acquire().await.expect("granted");
    let lock = here.lock("x");
    let mut sleepy = Box::pin(lock.acquire());
    assert!(timeout(ms(1), sleepy.as_mut()).await.is_err());
    let behind = spawn_waiter(&here, "x").await;
    guard.release().await.expect("released");
    sleep(s(100)).await;
    assert!(store.holder("x").await.is_some() && !behind.is_finished(), "it holds the lock, and is renewed");
    drop(sleepy);
    timeout(s(1), behind).await.expect("its turn").expect("no panic");
}

/// All who wait ask at once when a stream ends (and when it opens): in front of the renewals, in the client's pool.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_is_no_stampede() {
    let store = Faulty::default();
    let (other, here) = (store.manager(), store.manager());
    let mut guards = Vec::new();
    let mut waiting = JoinSet::new();
    for number in 0..5000 {
        guards.push(other.lock(format!("{number}")).acquire().await.expect("granted"));
        let lock = here.lock(format!("{number}"));
        waiting.spawn(async move { drop(lock.acquire().await) });
        sleep(ms(2)).await;
    }
    sleep(s(5)).await;
    let before = store.most_under_way(Op::Acquire);
    store.on(Op::Acquire, Fault::Delays(ms(1)));
    store.cut();
    sleep(s(3)).await;
    let most = store.most_under_way(Op::Acquire);
    waiting.abort_all();
    assert!(most < 1000, "{most} requests under way at once, {before} before");
}

/// A store that asks to be left alone for a minute is asked with each notice.
#[tokio::test(start_paused = true)]
async fn a_store_that_asks_for_patience_is_left_alone_by_those_who_are_told() {
    let store = Faulty::default();
    let (other, here) = (LockManager::new(store.memory.clone()), store.manager());
    let guard = other.lock("x").acquire().await.expect("granted");
    let waiter = {
        let lock = here.lock("x");
        tokio::spawn(async move { drop(lock.acquire().await) })
    };
    sleep(s(1)).await;
    store.on(Op::Acquire, Fault::Refuses(Some(s(60))));
    let before = store.calls(Op::Acquire);
    guard.release().await.expect("released");
    for _ in 0..200 {
        sleep(ms(10)).await;
        if let Some(guard) = other.lock("x").try_acquire().await.expect("answered") {
            guard.release().await.expect("released");
        }
    }
    let asked = store.calls(Op::Acquire) - before;
    waiter.abort();
    assert!(asked <= 2, "asked {asked} times in two seconds");
}

/// A thread for blocking code outlives its runtime. A call from there fails with `Stopped`; so it must hold nothing.
#[test]
fn a_call_after_the_end_of_the_runtime_holds_nothing() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let store = MemoryBackend::new();
    let manager = runtime.block_on(async { LockManager::new(store.clone()) });
    let (here, (end, ended)) = (manager.clone(), mpsc::channel::<()>());
    let (begin, begun) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    runtime.spawn_blocking(move || {
        let _ = begin.send(());
        let _ = ended.recv();
        let lock = manager.lock("x");
        let mut call = Box::pin(async move { lock.acquire().await.map(|guard| guard.is_held()) });
        let outcome = loop {
            if let Poll::Ready(done) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break done;
            }
            thread::sleep(ms(10));
        };
        let _ = tell.send(format!("{outcome:?}"));
    });
    begun.recv_timeout(s(10)).expect("it runs");
    runtime.shutdown_background();
    while !here.has_stopped() {
        thread::sleep(ms(1));
    }
    drop(end);
    let outcome = told.recv_timeout(s(10)).expect("it ends");
    let home = Builder::new_current_thread().enable_all().build().unwrap();
    let held = home.block_on(store.inspect(&LockName::new("x").unwrap())).unwrap();
    assert!(held.is_none(), "{outcome}, and held by nobody for {:?}", held.unwrap().remaining);
}

/// What a waiter is told of a holder of its own process is made up from the manager, not read from the record.
#[tokio::test(start_paused = true)]
async fn who_times_out_is_told_the_true_note() {
    let store = Faulty::default();
    let here = store.manager();
    let guard = here.lock("x").with_note("nightly run").acquire().await.expect("granted");
    let _guard = here.resume(guard.detach()).await.expect("resumed");
    let outcome = here.lock("x").acquire_timeout(s(1)).await;
    let Err(Error::Timeout { holder: Some(holder), .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(holder.note, here.inspect("x").await.expect("answered").expect("held").note);
}
