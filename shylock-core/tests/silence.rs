//! P8 and P10: what is asked for a caller who has gone is taken back, though nobody answers.

mod support;

use shylock_core::Error;
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::{Instant, sleep};

/// Nobody waits any more for an answer that was lost on a connection which looks alive. The lease does not stay to its end
/// for that, also if the answer to the withdrawal is lost, too.
#[tokio::test(start_paused = true)]
async fn a_silent_request_is_withdrawn_after_the_time_of_a_call() {
    for lost in [1, 2] {
        let store = Faulty::default();
        store.next(lost, Op::Acquire, Fault::HangsAfter);
        let error = store.manager().lock("x").acquire_timeout(ms(100)).await.expect_err("no answer in time");
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
        assert_free_within(&store, s(5) * lost + s(1)).await;
    }
}

/// The campaign of faults found it: the lock was handed to a waiter who gave up a moment later, and the answer was lost.
#[tokio::test(start_paused = true)]
async fn a_silent_hand_off_is_withdrawn_after_the_time_of_a_call() {
    let store = Faulty::default();
    let manager = store.manager();
    let guard = manager.lock("x").acquire().await.expect("granted");
    let lock = manager.lock("x");
    let waiting = tokio::spawn(async move { lock.acquire_timeout(ms(100)).await });
    sleep(ms(99)).await;
    store.next(1, Op::HandOff, Fault::HangsAfter);
    store.next(1, Op::Acquire, Fault::HangsAfter);
    let (released, waited) = tokio::join!(guard.release(), waiting);
    released.expect("nobody else had it before");
    waited.expect("no panic").expect_err("no answer in time");
    assert_free_within(&store, s(6)).await;
}

async fn assert_free_within(store: &Faulty, limit: std::time::Duration) {
    let asked = Instant::now();
    while store.holder("x").await.is_some() {
        sleep(ms(100)).await;
        assert!(asked.elapsed() <= limit, "still held after {:?}", asked.elapsed());
    }
}
