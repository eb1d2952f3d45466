//! From the wish for a lock to its outcome.

use shylock_core::Error;
use tokio::{task::JoinSet, time::sleep};

use super::{Faulty, Numbers, assert_samples, assert_values, settle};
use crate::support::{Fault, Op, ms, s};

pub(crate) async fn a_grant_and_a_release(numbers: &Numbers, store: Faulty) {
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    assert_values(numbers, [("acquisitions_total granted", 1.0), ("held", 1.0), ("waiting", 0.0)]);
    assert_samples(numbers, "shylock_wait_seconds granted", &[0.0]);
    sleep(s(3)).await;
    guard.release().await.expect("released");
    assert_values(numbers, [("held", 0.0), ("releases_total released", 1.0), ("contentions_total", 0.0)]);
    assert_samples(numbers, "shylock_hold_seconds", &[3.0]);
    assert_samples(numbers, "shylock_store_request_seconds try_acquire", &[0.0]);
    assert_samples(numbers, "shylock_store_request_seconds release", &[0.0]);
}

pub(crate) async fn who_waits_gets_the_lock_or_not(numbers: &Numbers, store: Faulty) {
    let (other, here) = (store.manager(), store.manager());
    let guard = other.lock("x").acquire().await.expect("granted");
    assert!(here.lock("x").try_acquire().await.expect("an answer").is_none());
    assert_values(numbers, [("acquisitions_total refused", 1.0), ("contentions_total", 1.0)]);
    let outcome = here.lock("x").acquire_timeout(s(2)).await;
    assert!(matches!(outcome, Err(Error::Timeout { .. })), "{outcome:?}");
    assert_values(numbers, [("acquisitions_total timed_out", 1.0), ("contentions_total", 2.0)]);
    assert_samples(numbers, "shylock_wait_seconds timed_out", &[2.0]);

    let lock = here.lock("x");
    let waiter = tokio::spawn(async move { lock.acquire().await });
    let lock = here.lock("x");
    let patient = tokio::spawn(async move { lock.acquire().await });
    sleep(s(5)).await;
    assert_values(numbers, [("waiting", 2.0), ("contentions_total", 4.0)]);
    waiter.abort();
    settle().await;
    assert_values(numbers, [("waiting", 1.0), ("acquisitions_total cancelled", 1.0)]);
    assert_samples(numbers, "shylock_wait_seconds cancelled", &[5.0]);
    sleep(s(5)).await;
    guard.release().await.expect("released");
    patient.await.expect("no panic").expect("granted").release().await.expect("released");
    assert_values(numbers, [("waiting", 0.0), ("held", 0.0), ("acquisitions_total granted", 2.0)]);
    assert_samples(numbers, "shylock_wait_seconds granted", &[0.0, 10.0]);
    assert_samples(numbers, "shylock_hold_seconds", &[12.0, 0.0]);
    assert_values(numbers, [("releases_total released", 2.0), ("contentions_total", 4.0)]);
    assert_samples(numbers, "shylock_store_request_seconds watch", &[0.0]);
}

/// A busy lock is no outage, also for those whose turn comes shortly before their time is over.
pub(crate) async fn a_crowd_whose_time_is_over(numbers: &Numbers, store: Faulty) {
    let _guard = store.manager().lock("x").acquire().await.expect("granted");
    store.on(Op::Acquire, Fault::Delays(ms(5)));
    let here = store.manager();
    let mut crowd = JoinSet::new();
    for number in 0..10 {
        let lock = here.lock("x");
        crowd.spawn(async move {
            sleep(ms(20 * number)).await;
            lock.acquire_timeout(ms(300)).await.map(drop)
        });
    }
    crowd.join_all().await.into_iter().for_each(|outcome| drop(outcome.expect_err("it is held")));
    assert_values(numbers, [("acquisitions_total timed_out", 10.0), ("acquisitions_total failed", 0.0)]);
}

pub(crate) async fn a_lock_is_handed_over(numbers: &Numbers, store: Faulty) {
    let manager = store.manager();
    let guard = manager.lock("x").acquire().await.expect("granted");
    let lock = manager.lock("x");
    let waiter = tokio::spawn(async move { lock.acquire().await });
    sleep(s(1)).await;
    assert_values(numbers, [("contentions_total", 1.0), ("waiting", 1.0), ("held", 1.0)]);
    guard.release().await.expect("released");
    let next = waiter.await.expect("no panic").expect("granted");
    assert_values(numbers, [("releases_total handed_over", 1.0), ("releases_total released", 0.0), ("held", 1.0)]);
    next.release().await.expect("released");
    assert_values(numbers, [("releases_total handed_over", 1.0), ("releases_total released", 1.0), ("held", 0.0)]);
    assert_samples(numbers, "shylock_wait_seconds granted", &[0.0, 1.0]);
    assert_samples(numbers, "shylock_store_request_seconds hand_off", &[0.0]);
}

pub(crate) async fn a_store_that_fails(numbers: &Numbers, store: Faulty) {
    let manager = store.manager();
    store.next(1, Op::Acquire, Fault::Refuses(None));
    let guard = manager.lock("x").acquire().await.expect("granted, after a second attempt");
    assert_values(numbers, [("store_failures_total not_applied", 1.0), ("acquisitions_total granted", 1.0)]);
    for (fault, failure) in [(Fault::Permanent, "permanent"), (Fault::Corrupt, "corrupt")] {
        store.next(1, Op::Acquire, fault);
        assert!(manager.lock("y").acquire().await.is_err());
        assert_values(numbers, [(&format!("store_failures_total {failure}"), 1.0)]);
    }
    assert_values(numbers, [("acquisitions_total failed", 2.0), ("waiting", 0.0), ("held", 1.0)]);
    store.next(1, Op::Release, Fault::LosesRequest);
    guard.release().await.expect("released");
    assert_values(numbers, [("store_failures_total ambiguous", 1.0), ("releases_total released", 1.0)]);

    let guard = manager.lock("x").acquire().await.expect("granted");
    store.next(1, Op::Release, Fault::Permanent);
    assert!(guard.release().await.is_err());
    assert_values(numbers, [("releases_total failed", 1.0), ("held", 0.0)]);
    store.next(1, Op::Look, Fault::Delays(s(1)));
    manager.inspect("x").await.expect("an answer");
    assert_samples(numbers, "shylock_store_request_seconds inspect", &[1.0]);
    manager.list("").await.expect("an answer");
    assert_samples(numbers, "shylock_store_request_seconds list", &[0.0]);
}
