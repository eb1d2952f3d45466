//! Listing locks reads held ones, however many idle ones there are.

use arango_server::ArangoServer;
use serde_json::json;
use shylock_arango::{ArangoBackend, IndexMode, LockManager};

use crate::lab::{DATABASE, LOCKS, connected_with, manager, prepared, query, started};

const IDLE: u64 = 3000;

/// What was read for one list, and what was found.
async fn list(server: &ArangoServer, manager: &LockManager, prefix: &str) -> ((u64, u64), Vec<String>) {
    let before = server.counters();
    let found = manager.list(prefix).await.expect("listed");
    let after = server.counters();
    let read = (after.scanned_full - before.scanned_full, after.scanned_index - before.scanned_index);
    (read, found.into_iter().map(|info| info.name.as_str().to_owned()).collect())
}

/// Locks that were held and released, as their records stay for a day.
async fn leave_idle(server: &ArangoServer, manager: &LockManager) {
    let guard = manager.lock("idle-0").acquire().await.expect("granted");
    guard.release().await.expect("released");
    let record = server.document(DATABASE, LOCKS, "idle-0").expect("it stays");
    // All others are copies of it.
    let copies = "FOR i IN 1..@idle INSERT { _key: CONCAT('idle-', i), name: CONCAT('idle-', i), bytes: @of.bytes,
        owner: @of.owner, token: @of.token, acquiredAt: @of.acquiredAt, expiresAt: @of.expiresAt } INTO @@locks";
    query(server, copies, json!({ "@locks": LOCKS, "idle": IDLE, "of": record })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_records_are_not_read() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    leave_idle(&server, &manager).await;
    assert_eq!(list(&server, &manager, "").await, ((0, 0), vec![]));
    let mut guards = Vec::new();
    for number in 0..5 {
        guards.push(manager.lock(format!("held-{number}")).acquire().await.expect("granted"));
    }
    let taken_again = manager.lock("idle-7").acquire().await.expect("granted");
    let (read, found) = list(&server, &manager, "").await;
    assert_eq!((read, found.len()), ((0, 6), 6));
    assert_eq!(list(&server, &manager, "idle").await, ((0, 1), vec!["idle-7".to_owned()]));
    assert_eq!(list(&server, &manager, "held-3").await, ((0, 1), vec!["held-3".to_owned()]));
    taken_again.release().await.expect("released");
    manager.force_break("held-0").await.expect("broken").expect("held");
    let (read, found) = list(&server, &manager, "").await;
    assert_eq!((read, found.len()), ((0, 4), 4));
}

/// Pages begin where the last one ended; none is read twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_once() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    let now =
        "FOR i IN 1..500 INSERT { _key: CONCAT('l', i), name: CONCAT('l', i), bytes: [108, i], token: 1, acquiredAt: 1,
        owner: '07070707070707070707070707070707', expiresAt: DATE_NOW() / 1000 + 600 } INTO @@locks";
    query(&server, now, json!({ "@locks": LOCKS })).await;
    let ((full, index), found) = list(&server, &manager, "l").await;
    assert_eq!((full, found.len()), (0, 255), "no byte is larger");
    // The test server reads to the end of the range for each page of 200.
    assert_eq!(index, 255 + 55);
}

/// Without the index the answer is the same.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_index_all_are_read() {
    let server = started(ArangoServer::builder());
    let manager = LockManager::new(connected_with(&server, ArangoBackend::builder().index(IndexMode::Skip)).await);
    leave_idle(&server, &manager).await;
    let guard = manager.lock("held").acquire().await.expect("granted");
    assert_eq!(list(&server, &manager, "").await, ((IDLE + 2, 0), vec!["held".to_owned()]));
    guard.release().await.expect("released");
}
