//! P8, P9 and P11: giving up, dropping, and the order of those who wait, over two managers on one store.

use std::{pin::Pin, time::Duration};

use tokio::{task::JoinSet, time};

use super::lab::{Lab, fresh_name, holder, in_time, started};
use crate::{AsyncLockGuard, Result};

type Acquiring = Pin<Box<dyn Future<Output = Result<AsyncLockGuard>> + Send>>;

/// Forty acquisitions that are dropped at different moments: afterwards nobody holds the lock.
pub async fn a_cancelled_acquisition_leaves_nothing_held(lab: Lab) {
    let (manager, other) = lab.managers();
    let name = fresh_name("cancelled");
    let lock = manager.lock(&name);
    for step in 0..40 {
        drop(time::timeout(Duration::from_micros(step * 100), lock.acquire()).await);
    }
    in_time("the releases", manager.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None);
    let guard = other.lock(&name).try_acquire().await.expect("the store answers").expect("it is free");
    guard.release().await.expect("released");
}

/// A guard that is dropped, also by a panic, releases the lock in the background.
pub async fn a_dropped_guard_frees_the_lock(lab: Lab) {
    let (manager, other) = lab.managers();
    let name = fresh_name("dropped");
    drop(manager.lock(&name).acquire().await.expect("granted"));
    in_time("the release", manager.close()).await;
    assert_eq!(holder(&lab.b, &name).await, None);

    let lock = other.lock(&name);
    let worker = tokio::spawn(async move {
        let _guard = lock.acquire().await.expect("granted");
        std::panic::resume_unwind(Box::new("the section fails"));
    });
    assert!(worker.await.is_err_and(|error| error.is_panic()));
    let next = in_time("the next holder", manager.lock(&name).acquire()).await.expect("granted");
    next.release().await.expect("released");
}

/// Five waiters of one manager get the lock in the order in which they began to wait, also when one gives up.
pub async fn waiters_of_one_process_are_served_in_order(lab: Lab) {
    let (manager, _) = lab.managers();
    let lock = manager.lock(fresh_name("order"));
    let first = lock.acquire().await.expect("granted");
    let mut waiting: Vec<Acquiring> = Vec::new();
    for _ in 0..6 {
        let lock = lock.clone();
        let mut acquiring: Acquiring = Box::pin(async move { lock.acquire().await });
        started(&mut acquiring).await;
        waiting.push(acquiring);
    }
    drop(waiting.remove(2));
    let mut served = JoinSet::new();
    let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
    for (number, acquiring) in waiting.into_iter().enumerate() {
        let done = done.clone();
        served.spawn(async move {
            let guard = acquiring.await.expect("granted");
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
    let (busy, other) = lab.managers();
    let name = fresh_name("turn");
    let mut busy_tasks = JoinSet::new();
    for _ in 0..tasks {
        let lock = busy.lock(&name);
        busy_tasks.spawn(async move {
            loop {
                let guard = lock.acquire().await.expect("granted");
                time::sleep(Duration::from_millis(1)).await;
                guard.release().await.expect("released");
            }
        });
    }
    let lock = other.lock(&name);
    for _ in 0..3 {
        let guard = in_time("the other's turn", lock.acquire()).await.expect("granted");
        guard.release().await.expect("released");
    }
    assert!(busy_tasks.try_join_next().is_none(), "the busy ones are still at it");
}
