//! P10: unknown is never reported as granted or refused.

use std::{sync::Arc, time::Duration};

use tokio::time;

use super::{
    faults::LosesAnswers,
    lab::{LONG, Lab, acquire, acquired, fresh_name, holder, in_time, release, request},
};
use crate::{Backend, ReleaseOutcome};

/// A repeated request gets the same grant again, not a refusal and not a second one; and so a user whose answers
/// were lost gets the lock in the end.
pub async fn a_repeated_request_recognises_its_grant(lab: Lab) {
    let name = fresh_name("repeated");
    let first = request(&name, LONG);
    let lease = acquire(&lab.a, &first).await;
    for store in [&lab.a, &lab.b] {
        assert_eq!(acquire(store, &first).await.token, lease.token, "it is the same acquisition");
    }
    release(&lab.a, &lease).await;

    let store = LosesAnswers::new(&lab.a);
    let client = lab.fixture.client(Arc::clone(&store) as Arc<dyn Backend>);
    store.lose_next(2);
    let guard =
        in_time("acquisition", client.try_acquire(&name)).await.expect("the store answers").expect("it was free");
    let seen = holder(&lab.b, &name).await.expect("held");
    assert_eq!(seen.token, guard.token(), "the grant that got lost is the one that counts");
    guard.release().await.expect("released");

    // The same for somebody to whom the lock is handed over.
    let guard = acquired(&client, &name).await;
    let token = guard.token();
    let asked = store.asked();
    let waiting = client.queue_up(&name, None).await;
    in_time("the waiter's first attempt", async {
        while store.asked() == asked {
            time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    store.lose_next(1);
    guard.release().await.expect("released");
    let next = in_time("the hand-off", waiting).await.expect("granted").expect("it waits as long as it takes");
    assert!(next.token() > token);
    assert_eq!(holder(&lab.b, &name).await.expect("held").token, next.token());
    next.release().await.expect("released");

    // The same for somebody who gives up after the first lost answer: what was granted is released.
    store.lose_next(1);
    in_time("a lost answer", async {
        while store.to_lose() > 0 {
            drop(client.queue_up(&name, Some(Duration::from_millis(5))).await.await);
        }
    })
    .await;
    in_time("withdrawal", client.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None, "nobody wants it any more");
}

/// The second of two releases is told that there is nothing to release.
pub async fn a_repeated_release_is_harmless(lab: Lab) {
    let name = fresh_name("released_twice");
    let lease = acquire(&lab.a, &request(&name, LONG)).await;
    assert_eq!(release(&lab.a, &lease).await, ReleaseOutcome::Released);
    assert_eq!(release(&lab.b, &lease).await, ReleaseOutcome::NotHeld);
    assert_eq!(holder(&lab.a, &name).await, None);
}

/// A release whose answer is lost is no error.
pub async fn a_lost_answer_to_a_release_is_survived(lab: Lab) {
    let name = fresh_name("lost_release");
    let store = LosesAnswers::new(&lab.a);
    let client = lab.fixture.client(Arc::clone(&store) as Arc<dyn Backend>);
    let guard = acquired(&client, &name).await;
    store.lose_next(1);
    guard.release().await.expect("released");
    assert_eq!(holder(&lab.b, &name).await, None);
}
