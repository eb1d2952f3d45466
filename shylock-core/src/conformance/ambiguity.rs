//! P10: unknown is never reported as granted or refused.

use std::{pin::Pin, sync::Arc, time::Duration};

use super::{
    faults::LosesAnswers,
    lab::{LONG, Lab, acquire, fresh_name, holder, in_time, request, started},
};
use crate::{Backend, LockManager, ReleaseOutcome};

/// A repeated request gets the same grant again, not a refusal and not a second one; and so a user whose answers
/// were lost gets the lock in the end.
pub async fn a_repeated_request_recognises_its_grant(lab: Lab) {
    let name = fresh_name("repeated");
    let first = request(&name, LONG);
    let lease = acquire(&lab.a, &first).await;
    for store in [&lab.a, &lab.b] {
        assert_eq!(acquire(store, &first).await.token, lease.token, "it is the same acquisition");
    }
    lab.a.release(&lease).await.expect("the store answers");

    let store = LosesAnswers::new(&lab.a);
    let manager = LockManager::from(Arc::clone(&store) as Arc<dyn Backend>);
    store.lose_next(2);
    let lock = manager.lock(&name);
    let guard = in_time("acquisition", lock.try_acquire()).await.expect("the store answers").expect("it was free");
    let seen = holder(&lab.b, &name).await.expect("held");
    assert_eq!(seen.token, guard.token(), "the grant that got lost is the one that counts");
    guard.release().await.expect("released");

    // The same for somebody to whom the lock is handed over.
    let guard = lock.acquire().await.expect("granted");
    let token = guard.token();
    let asked = store.asked();
    let waiting = tokio::spawn({
        let lock = lock.clone();
        async move { lock.acquire().await }
    });
    in_time("the waiter's first attempt", async {
        while store.asked() == asked {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    store.lose_next(1);
    guard.release().await.expect("released");
    let next = in_time("the hand-off", waiting).await.expect("no panic").expect("granted");
    assert!(next.token() > token);
    assert_eq!(holder(&lab.b, &name).await.expect("held").token, next.token());
    next.release().await.expect("released");

    // The same for somebody who gives up after the first lost answer: what was granted is released.
    store.lose_next(1);
    let mut given_up: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(lock.acquire());
    started(&mut given_up).await;
    in_time("the request", async {
        while holder(&lab.b, &name).await.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    drop(given_up);
    in_time("withdrawal", manager.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None, "nobody wants it any more");
}

/// The second of two releases is told that there is nothing to release.
pub async fn a_repeated_release_is_harmless(lab: Lab) {
    let name = fresh_name("released_twice");
    let lease = acquire(&lab.a, &request(&name, LONG)).await;
    assert_eq!(lab.a.release(&lease).await.expect("the store answers"), ReleaseOutcome::Released);
    assert_eq!(lab.b.release(&lease).await.expect("the store answers"), ReleaseOutcome::NotHeld);
    assert_eq!(holder(&lab.a, &name).await, None);
}

/// A release whose answer is lost is no error.
pub async fn a_lost_answer_to_a_release_is_survived(lab: Lab) {
    let name = fresh_name("lost_release");
    let store = LosesAnswers::new(&lab.a);
    let manager = LockManager::from(Arc::clone(&store) as Arc<dyn Backend>);
    let guard = manager.lock(&name).acquire().await.expect("granted");
    store.lose_next(1);
    guard.release().await.expect("released");
    assert_eq!(holder(&lab.b, &name).await, None);
}
