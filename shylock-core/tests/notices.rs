//! P11 and P12: who waits is told, whatever becomes of the stream that tells; and waiting costs almost nothing.

mod support;

use std::time::Duration;

use shylock_core::{AsyncLockGuard, LockManager};
use support::{Fault, Faulty, Op, ms, s};
use tokio::{
    task::{JoinHandle, JoinSet, yield_now},
    time::{Instant, sleep, timeout},
};

/// A process that would not look by itself within the time of any test.
fn patient(store: &Faulty) -> LockManager {
    LockManager::builder(store.clone()).poll_limits(s(3000), s(3000)).ttl(s(3600)).build().expect("options")
}

async fn held(manager: &LockManager, name: &str) -> AsyncLockGuard {
    manager.lock(name).with_ttl(s(3600)).acquire().await.expect("granted")
}

/// One who waits, after its first attempt and what that leads to.
async fn waiting(manager: &LockManager, name: &str) -> JoinHandle<Duration> {
    let (lock, since) = (manager.lock(name), Instant::now());
    let waiting = tokio::spawn(async move {
        lock.acquire().await.expect("granted").release().await.expect("released");
        since.elapsed()
    });
    for _ in 0..100 {
        yield_now().await;
    }
    waiting
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_of_a_release_and_of_a_break_by_another_process() {
    let store = Faulty::default();
    let (other, here) = (store.manager(), patient(&store));
    let guard = held(&other, "x").await;
    let first = waiting(&here, "x").await;
    sleep(s(1)).await;
    guard.release().await.expect("released");
    assert_eq!(first.await.expect("no panic"), s(1));

    let guard = held(&other, "x").await;
    let second = waiting(&here, "x").await;
    sleep(s(1)).await;
    other.force_break("x").await.expect("broken").expect("it was held");
    assert_eq!(second.await.expect("no panic"), s(1));
    drop(guard);
}

/// The lock comes free after the first attempt, and before anybody listens.
#[tokio::test(start_paused = true)]
async fn a_release_before_the_stream_is_open_is_not_missed() {
    let store = Faulty::default();
    let guard = held(&store.manager(), "x").await;
    store.on(Op::Watch, Fault::Delays(s(2)));
    let waiter = waiting(&patient(&store), "x").await;
    sleep(s(1)).await;
    guard.release().await.expect("released");
    assert_eq!(waiter.await.expect("no panic"), s(2), "the stream is open, so it looks once more");
}

/// The lock comes free after an attempt was refused, and before the refusal arrives.
#[tokio::test(start_paused = true)]
async fn a_release_while_the_refusal_is_under_way_is_not_missed() {
    let store = Faulty::default();
    let here = patient(&store);
    let other = store.manager();
    // Somebody waits for another lock, so that the stream is open.
    let _guard = held(&other, "y").await;
    let _waiter = waiting(&here, "y").await;
    assert_eq!(store.streams(), 1);

    let guard = held(&other, "x").await;
    store.next(1, Op::Acquire, Fault::AnswersLate(s(2)));
    let waiter = waiting(&here, "x").await;
    sleep(s(1)).await;
    guard.release().await.expect("released");
    assert_eq!(waiter.await.expect("no panic"), s(2));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_is_opened_again_and_nothing_is_missed() {
    let store = Faulty::default();
    let other = store.manager();
    let here = patient(&store);
    for lived in [s(20), ms(1)] {
        let guard = held(&other, "x").await;
        let waiter = waiting(&here, "x").await;
        sleep(lived).await;
        store.cut();
        // Nobody tells of this.
        guard.release().await.expect("released");
        let waited = waiter.await.expect("no panic");
        assert!(waited <= lived + ms(1), "{waited:?}");
        let guard = held(&other, "x").await;
        let waiter = waiting(&here, "x").await;
        sleep(s(2)).await;
        assert_eq!(store.streams(), 1, "it is opened again");
        guard.release().await.expect("released");
        waiter.await.expect("no panic");
    }
}

/// Where the store does not tell any more, a process polls at its usual pace, and opens no stream ever again in vain.
#[tokio::test(start_paused = true)]
async fn without_a_stream_waiting_is_polling() {
    for (fault, most_calls) in [(Fault::Permanent, 12), (Fault::Hangs, 12), (Fault::Refuses(None), 12)] {
        let store = Faulty::default();
        store.on(Op::Watch, fault);
        let guard = held(&store.manager(), "x").await;
        let waiter = waiting(&store.manager(), "x").await;
        sleep(s(1200)).await;
        guard.release().await.expect("released");
        let waited = waiter.await.expect("no panic");
        assert!(waited <= s(1201), "{fault:?}: {waited:?}");
        let calls = store.calls(Op::Watch);
        assert!((5..=most_calls).contains(&calls), "{fault:?}: {calls} times asked for a stream");
    }
}

/// A stream that is open and tells nothing: the safety poll finds what it missed.
#[tokio::test(start_paused = true)]
async fn a_silent_stream_costs_seconds_not_the_lock() {
    let store = Faulty::default();
    store.keep_silent();
    let guard = held(&store.manager(), "x").await;
    let waiter = waiting(&store.manager(), "x").await;
    sleep(s(60)).await;
    guard.release().await.expect("released");
    let waited = waiter.await.expect("no panic");
    assert!(waited <= s(65), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_stream_is_closed_when_nobody_waits_and_opened_by_the_next() {
    let store = Faulty::default();
    let (other, here) = (store.manager(), store.manager());
    let guard = held(&other, "x").await;
    for times in 1..=2 {
        let attempt = here.lock("x");
        timeout(s(5), attempt.acquire()).await.expect_err("held");
        assert_eq!((store.streams(), store.calls(Op::Watch)), (1, times));
        sleep(s(20)).await;
        timeout(s(5), attempt.acquire()).await.expect_err("held");
        assert_eq!((store.streams(), store.calls(Op::Watch)), (1, times), "it is kept for those who come soon");
        sleep(s(40)).await;
        assert_eq!(store.streams(), 0);
    }
    let attempt = here.lock("x");
    timeout(s(5), attempt.acquire()).await.expect_err("held");
    drop((here, attempt));
    sleep(s(2)).await;
    assert_eq!(store.streams(), 0, "it goes with its manager");
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn a_free_lock_opens_no_stream() {
    let store = Faulty::default();
    held(&store.manager(), "x").await.release().await.expect("released");
    assert!(store.manager().lock("x").try_acquire().await.expect("answered").is_some());
    assert_eq!(store.calls(Op::Watch), 0);
}

/// What a thousand who wait for half a minute ask the store.
async fn asked_by_a_thousand(store: &Faulty, here: &LockManager) -> u32 {
    let mut waiting = JoinSet::new();
    let before = store.calls(Op::Acquire);
    for _ in 0..1000 {
        let lock = here.lock("x");
        waiting.spawn(async move { lock.acquire().await });
    }
    sleep(s(30)).await;
    waiting.abort_all();
    store.calls(Op::Acquire) - before
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_wait_ask_as_one_and_seldom() {
    let store = Faulty::default();
    let other = store.manager();
    let _guard = held(&other, "x").await;
    let asked = asked_by_a_thousand(&store, &store.manager()).await;
    assert!((6..=15).contains(&asked), "with notices: {asked}");
    assert_eq!(store.calls(Op::Watch), 1);
    store.on(Op::Watch, Fault::Permanent);
    let asked = asked_by_a_thousand(&store, &store.manager()).await;
    assert!((30..=70).contains(&asked), "by polling: {asked}");
}

#[tokio::test(start_paused = true)]
async fn whose_own_process_holds_the_lock_asks_only_now_and_then() {
    let store = Faulty::default();
    let here = store.manager();
    let guard = held(&here, "x").await;
    let asked = asked_by_a_thousand(&store, &here).await;
    assert!((3..=12).contains(&asked), "{asked}");
    assert!(here.lock("x").try_acquire().await.expect("answered").is_none(), "who does not wait always asks");
    drop(guard);
}

/// Each waits once: one request hands over, and asks for nothing before or after, however short the lock is held and
/// however it is given back.
#[tokio::test(start_paused = true)]
async fn a_hand_off_is_one_request() {
    for (hold, dropped) in [(ms(3), false), (ms(3), true), (ms(0), false), (ms(0), true)] {
        let requests = requests_of_a_hundred_hand_offs(hold, dropped).await;
        assert!(requests <= 115, "{requests} requests for 101 hand-offs after {hold:?}, dropped: {dropped}");
    }
}

async fn requests_of_a_hundred_hand_offs(hold: Duration, dropped: bool) -> u32 {
    let store = Faulty::default();
    let here = store.manager();
    let guard = held(&here, "x").await;
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let lock = here.lock("x");
        waiting.spawn(async move {
            let guard = lock.acquire().await.expect("granted");
            if !hold.is_zero() {
                sleep(hold).await;
            }
            if dropped { drop(guard) } else { guard.release().await.expect("released") }
        });
    }
    yield_now().await;
    let before = [Op::Acquire, Op::HandOff, Op::Release].map(|op| store.calls(op));
    guard.release().await.expect("released");
    waiting.join_all().await;
    here.close().await;
    let after = [Op::Acquire, Op::HandOff, Op::Release].map(|op| store.calls(op));
    after.iter().sum::<u32>() - before.iter().sum::<u32>()
}
