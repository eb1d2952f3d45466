//! Golden facts about concurrent writes: 1, 10, 11.

use std::sync::Arc;

use arango_server::{ArangoServer, Fault, Point};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    client::{Client, LOCKS, ready},
    texts::{TAKE, take},
};

const INCREMENT: &str =
    "FOR d IN @@locks FILTER d._key == 'n' UPDATE d WITH { data: d.data + 1 } IN @@locks RETURN NEW.data";

const CONFLICT: (u16, u64) = (409, 1200);

async fn with_counter() -> (ArangoServer, Client) {
    let (server, client) = ready().await;
    client.on_locks("INSERT { _key: 'n', data: 0 } INTO @@locks", json!({})).await;
    (server, client)
}

/// As many at a time as file descriptors allow on small machines.
async fn increment_1000_times(client: &Client, retry: bool) -> usize {
    let (mut tasks, room) = (JoinSet::new(), Arc::new(Semaphore::new(200)));
    for _ in 0..1000 {
        let (client, room) = (client.clone(), Arc::clone(&room));
        tasks.spawn(async move {
            let _room = room.acquire().await;
            loop {
                let reply = client.on_locks(INCREMENT, json!({})).await;
                if reply.status == 201 {
                    return true;
                }
                assert_eq!(reply.error(), CONFLICT);
                if !retry {
                    return false;
                }
            }
        });
    }
    tasks.join_all().await.into_iter().filter(|done| *done).count()
}

#[tokio::test]
async fn fact_1_increments_that_are_retried_all_count() {
    let (server, client) = with_counter().await;
    assert_eq!(increment_1000_times(&client, true).await, 1000);
    assert_eq!(server.document("_system", LOCKS, "n").expect("the counter")["data"], 1000);
}

#[tokio::test]
async fn fact_1_without_retries_some_conflict_and_do_not_count() {
    let (server, client) = with_counter().await;
    let late = server.fault(Fault::at(Point::AfterRead).on_query("UPDATE").pauses());
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.on_locks(INCREMENT, json!({})).await.error() }
    });
    late.reached(1).await;
    let done = increment_1000_times(&client, false).await;
    late.resume();
    assert_eq!(first.await.expect("no panic"), CONFLICT);
    assert_eq!(server.document("_system", LOCKS, "n").expect("the counter")["data"], done);
}

#[tokio::test]
async fn fact_10_of_two_first_takes_one_inserts() {
    for point in [Point::AfterSnapshot, Point::AfterRead] {
        let (server, client) = ready().await;
        let late = server.fault(Fault::at(point).on_query("UPSERT").pauses());
        let slow = tokio::spawn({
            let client = client.clone();
            async move { take(&client, "k", "slow", 30.0).await.error() }
        });
        late.reached(1).await;
        assert_eq!(take(&client, "k", "quick", 30.0).await.row()["owner"], "quick");
        late.resume();
        assert_eq!(slow.await.expect("no panic"), CONFLICT);
        assert_eq!(server.history("_system", LOCKS, "k").len(), 1);
    }
}

#[tokio::test]
async fn fact_10_of_many_first_takes_one_inserts() {
    let (server, client) = ready().await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let client = client.clone();
        tasks.spawn(async move {
            let owner = format!("owner-{number}");
            let reply = take(&client, "k", &owner, 30.0).await;
            if reply.status == 201 {
                return reply.row()["owner"] == owner;
            }
            assert!(matches!(reply.error(), CONFLICT | (409, 1210)));
            false
        });
    }
    let grants = tasks.join_all().await.into_iter().filter(|granted| *granted).count();
    assert_eq!((grants, server.history("_system", LOCKS, "k").len()), (1, 1));
}

#[tokio::test]
async fn fact_11_the_branch_without_content_changes_nothing_and_shows_the_document() {
    let (server, client) = ready().await;
    take(&client, "k", "a", 30.0).await.row();
    let before = server.document("_system", LOCKS, "k").expect("the lock");
    let text = TAKE.split("RETURN").next().expect("the text").to_owned() + "RETURN NEW";
    let reply = super::texts::take_with(&client, &text, "k", "b", 30.0).await;
    assert_eq!((reply.row(), reply.stat("writesExecuted")), (before, 1));
    assert_eq!(server.history("_system", LOCKS, "k").len(), 1);
    assert_eq!(server.counters().empty_patches, 1);
}

#[tokio::test]
async fn fact_11_the_branch_without_content_is_validated_all_the_same() {
    let (server, client) = ready().await;
    let taken = take(&client, "k", "a", 30.0).await.row();
    let late = server.fault(Fault::at(Point::AfterRead).on_query("UPSERT").pauses());
    let slow = tokio::spawn({
        let client = client.clone();
        async move { take(&client, "k", "b", 30.0).await.error() }
    });
    late.reached(1).await;
    super::texts::release(&client, "k", "a", &taken["token"]).await.row();
    late.resume();
    assert_eq!(slow.await.expect("no panic"), CONFLICT);
}

#[tokio::test]
async fn a_key_is_locked_until_the_commit() {
    a_key_is_locked(ArangoServer::builder(), CONFLICT).await;
    a_key_is_locked(ArangoServer::builder().key_locks_time_out_as_18(), (500, 18)).await;
}

async fn a_key_is_locked(builder: arango_server::Builder, refusal: (u16, u64)) {
    let (server, client) = super::client::ready_with(builder).await;
    client.on_locks("INSERT { _key: 'n', data: 0 } INTO @@locks", json!({})).await;
    let holding = server.fault(Fault::at(Point::BeforeCommit).on_query("UPDATE").pauses());
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.on_locks(INCREMENT, json!({})).await.row() }
    });
    holding.reached(1).await;
    assert_eq!(client.on_locks(INCREMENT, json!({})).await.error(), refusal);
    assert_eq!(server.counters().lock_timeouts, 1);
    assert_eq!(server.document("_system", LOCKS, "n").expect("the counter")["data"], 0, "nobody sees it yet");
    holding.resume();
    assert_eq!(first.await.expect("no panic"), 1);
}

#[tokio::test]
async fn a_query_reads_from_one_snapshot() {
    let (server, client) = with_counter().await;
    let late = server.fault(Fault::at(Point::AfterSnapshot).on_query("RETURN d.data").pauses());
    let reader = tokio::spawn({
        let client = client.clone();
        async move { client.on_locks("FOR d IN @@locks RETURN d.data", json!({})).await.row() }
    });
    late.reached(1).await;
    client.on_locks(INCREMENT, json!({})).await.row();
    late.resume();
    assert_eq!(reader.await.expect("no panic"), 0);
}

#[tokio::test]
async fn an_error_undoes_the_whole_query() {
    let (server, client) = with_counter().await;
    let text = "FOR k IN ['x', 'y', 'n'] INSERT { _key: k } INTO @@locks";
    assert_eq!(client.on_locks(text, json!({})).await.error(), (409, 1210));
    assert_eq!(server.audit().len(), 1, "only the counter was ever committed");
    assert_eq!(client.on_locks("INSERT { _key: 'x' } INTO @@locks", json!({})).await.status, 201);
}

#[tokio::test]
async fn an_exclusive_query_keeps_others_out_and_they_give_up() {
    let builder = ArangoServer::builder().exclusive_wait(std::time::Duration::from_millis(20));
    let (server, client) = super::client::ready_with(builder).await;
    client.on_locks("INSERT { _key: 'n', data: 0 } INTO @@locks", json!({})).await;
    let holding = server.fault(Fault::at(Point::BeforeCommit).on_query("exclusive").pauses());
    let text = "INSERT { _key: 'x' } INTO @@locks OPTIONS { exclusive: true }";
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.on_locks(text, json!({})).await.status }
    });
    holding.reached(1).await;
    assert_eq!(client.on_locks(INCREMENT, json!({})).await.error(), (500, 18));
    assert_eq!(client.on_locks("FOR d IN @@locks RETURN d._key", json!({})).await.row(), "n", "reading is free");
    holding.resume();
    assert_eq!(first.await.expect("no panic"), 201);
}
