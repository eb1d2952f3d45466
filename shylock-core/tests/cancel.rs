//! P8: a future that is dropped at any await point leaves nothing held.

mod support;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use shylock_core::{AsyncLockGuard, LockManager, Result};
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::timeout;

/// Polls the future `polls` times, then drops it. Answers whether it was finished by then.
async fn drop_after<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            // Whatever else is ready runs first, and time goes on, so that each poll finds it further.
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

async fn assert_free(store: &Faulty, manager: &LockManager, what: &str) {
    timeout(s(60), manager.close()).await.unwrap_or_else(|_| panic!("{what}: something is under way for ever"));
    assert_eq!(store.holder("x").await, None, "{what}");
    let guard = timeout(s(1), manager.lock("x").acquire()).await.unwrap_or_else(|_| panic!("{what}: a place is taken"));
    guard.expect("granted").release().await.expect("released");
}

const FAULTS: [Option<Fault>; 6] = [
    None,
    Some(Fault::LosesAnswer),
    Some(Fault::LosesRequest),
    Some(Fault::Refuses(None)),
    Some(Fault::Delays(ms(7))),
    Some(Fault::Delays(s(9))),
];

/// Drops the call after 0, 1, 2 … polls, until it finishes, while the store has each fault in turn.
async fn sweep<F: Future<Output = Result<Option<AsyncLockGuard>>>>(what: &str, call: impl Fn(LockManager) -> F) {
    sweep_and_wait(what, Duration::ZERO, call).await;
}

/// The same, for a call that may leave a lease to run out by itself.
async fn sweep_and_wait<F>(what: &str, runs_out: Duration, call: impl Fn(LockManager) -> F)
where
    F: Future<Output = Result<Option<AsyncLockGuard>>>,
{
    for fault in FAULTS {
        for polls in 0.. {
            let store = Faulty::default();
            let manager = store.manager();
            if let Some(fault) = fault {
                store.next(1, Op::Acquire, fault);
                store.next(1, Op::Release, fault);
                store.next(1, Op::HandOff, fault);
                store.next(1, Op::Renew, fault);
            }
            let done = drop_after(polls, call(manager.clone())).await;
            let finished = done.is_some();
            drop(done);
            store.heal();
            tokio::time::sleep(runs_out).await;
            assert_free(&store, &manager, &format!("{what} with {fault:?} after {polls} polls")).await;
            if finished || polls > 200 {
                assert!(polls > 0, "{what} was dropped before its end at least once");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn acquire() {
    sweep("acquire", |manager| async move { manager.lock("x").acquire().await.map(Some) }).await;
}

#[tokio::test(start_paused = true)]
async fn try_acquire() {
    sweep("try_acquire", |manager| async move { manager.lock("x").try_acquire().await }).await;
}

#[tokio::test(start_paused = true)]
async fn acquire_timeout() {
    sweep("acquire_timeout", |manager| async move { manager.lock("x").acquire_timeout(s(30)).await.map(Some) }).await;
}

#[tokio::test(start_paused = true)]
async fn release() {
    sweep("release", |manager| async move {
        let guard = manager.lock("x").acquire().await?;
        drop(guard.release().await);
        Ok(None)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn renew() {
    sweep("renew", |manager| async move {
        let guard = manager.lock("x").acquire().await?;
        drop(guard.renew().await);
        Ok(Some(guard))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with() {
    sweep(
        "with",
        |manager| async move { manager.lock("x").with(async |guard| guard.renew().await).await.map(|_| None) },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn resume() {
    // A ticket that nobody resumes is a lease that runs out.
    sweep_and_wait("resume", s(1), |manager| async move {
        let ticket = manager.lock("x").with_ttl(s(1)).acquire().await?.detach();
        manager.resume(ticket).await.map(Some).or(Ok(None))
    })
    .await;
}

/// One waits while another holds; it goes before or after the lock was handed over to it, and the one behind it is
/// served.
#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_passes_its_turn_on() {
    for (polls_before, polls_after) in (0..8).flat_map(|before| (0..4).map(move |after| (before, after))) {
        let store = Faulty::default();
        let manager = store.manager();
        let lock = manager.lock("x");
        let guard = lock.acquire().await.expect("granted");
        let mut going = Box::pin(lock.acquire());
        assert!(drop_after(polls_before, going.as_mut()).await.is_none(), "the lock is held");
        let behind = tokio::spawn({
            let lock = lock.clone();
            async move { lock.acquire().await }
        });
        tokio::task::yield_now().await;
        guard.release().await.expect("released");
        drop(drop_after(polls_after, going.as_mut()).await);
        drop(going);
        let next = timeout(s(2), behind).await.expect("served").expect("no panic").expect("granted");
        next.release().await.expect("released");
        assert_free(&store, &manager, &format!("a waiter gone after {polls_before} and {polls_after} polls")).await;
    }
}

/// Ten thousand acquisitions with random time-outs over a store that takes up to 20 ms.
#[tokio::test(start_paused = true)]
async fn ten_thousand_random_time_outs() {
    let store = Faulty::default();
    let manager = store.manager();
    let lock = manager.lock("x");
    let (mut granted, mut given_up) = (0, 0);
    // A fixed sequence: Knuth's multiplier for 64-bit linear congruential generators.
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..10_000 {
        let delay = Fault::Delays(ms(random(20)));
        [Op::Acquire, Op::HandOff].into_iter().for_each(|op| store.next(1, op, delay));
        match timeout(ms(random(20)), lock.acquire()).await {
            Ok(guard) => {
                granted += 1;
                drop(guard.expect("granted"));
            }
            Err(_) => given_up += 1,
        }
    }
    assert!(granted > 1000 && given_up > 1000, "{granted} granted, {given_up} given up");
    store.heal();
    assert_free(&store, &manager, "after all of them").await;
}
