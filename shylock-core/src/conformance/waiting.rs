//! P8, P9 and P11: giving up, dropping, and the order of those who wait, over two clients of one store.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time};

use super::lab::{Lab, acquired, fresh_name, holder, in_time};

/// Forty acquisitions that are given up at different moments: afterwards nobody holds the lock.
pub async fn a_cancelled_acquisition_leaves_nothing_held(lab: Lab) {
    let (client, other) = lab.clients();
    let name = fresh_name("cancelled");
    for step in 0..40 {
        drop(client.queue_up(&name, Some(Duration::from_micros(step * 100))).await.await);
    }
    in_time("the releases", client.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None);
    let guard = other.try_acquire(&name).await.expect("the store answers").expect("it is free");
    guard.release().await.expect("released");
}

/// A guard that is dropped, also by a panic, releases the lock in the background.
pub async fn a_dropped_guard_frees_the_lock(lab: Lab) {
    let (client, other) = lab.clients();
    let name = fresh_name("dropped");
    drop(acquired(&client, &name).await);
    in_time("the release", client.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None);

    let worker = tokio::spawn({
        let name = name.clone();
        async move {
            let _guard = acquired(&other, &name).await;
            std::panic::resume_unwind(Box::new("the section fails"));
        }
    });
    assert!(worker.await.is_err_and(|error| error.is_panic()));
    acquired(&client, &name).await.release().await.expect("released");
}

/// Five waiters of one process get the lock in the order in which they began to wait, though another gives up.
pub async fn waiters_of_one_process_are_served_in_order(lab: Lab) {
    let (client, _) = lab.clients();
    let name = fresh_name("order");
    let first = acquired(&client, &name).await;
    let mut waiting = Vec::new();
    for number in 0..6 {
        let patience = (number == 2).then_some(Duration::from_millis(50));
        waiting.push(client.queue_up(&name, patience).await);
    }
    let gives_up = waiting.remove(2);
    assert!(in_time("giving up", gives_up).await.expect("no error").is_none());
    let mut served = JoinSet::new();
    let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
    for (number, acquiring) in waiting.into_iter().enumerate() {
        let done = done.clone();
        served.spawn(async move {
            let guard = acquiring.await.expect("granted").expect("it waits as long as it takes");
            done.send((number, guard.token())).expect("somebody counts");
            guard.release().await.expect("released");
        });
    }
    let mut last = first.token();
    first.release().await.expect("released");
    for expected in 0..5 {
        let (number, token) = in_time("the next in line", order.recv()).await.expect("somebody is served");
        assert_eq!(number, expected);
        assert!(token > last, "tokens grow along the line");
        last = token;
    }
    in_time("the line", served.join_all()).await;
}

/// While two or four tasks of one process pass the lock among themselves without a pause, another process gets in.
pub async fn another_process_gets_its_turn(lab: Lab) {
    for tasks in [2, 4] {
        others_get_in(&lab, tasks).await;
    }
}

async fn others_get_in(lab: &Lab, tasks: usize) {
    let (busy, other) = lab.clients();
    let name = fresh_name("turn");
    let mut busy_tasks = JoinSet::new();
    for _ in 0..tasks {
        let (busy, name) = (Arc::clone(&busy), name.clone());
        busy_tasks.spawn(async move {
            loop {
                let guard = acquired(&busy, &name).await;
                time::sleep(Duration::from_millis(1)).await;
                guard.release().await.expect("released");
            }
        });
    }
    for _ in 0..3 {
        acquired(&other, &name).await.release().await.expect("released");
    }
    assert!(busy_tasks.try_join_next().is_none(), "the busy ones are still at it");
}
