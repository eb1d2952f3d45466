//! Golden facts about expiry: 6 and 7.

use std::time::Duration;

use arango_server::{ArangoServer, TtlOutcome};
use serde_json::json;

use super::{
    client::{Client, LOCKS, ready, ready_with},
    texts::{release, take},
};

async fn with_ttl_index(client: &Client, expire_after: u64) {
    let index = json!({ "type": "ttl", "expireAfter": expire_after, "fields": ["expiresAt"] });
    assert_eq!(client.post(&format!("/_api/index?collection={LOCKS}"), &index).await.status, 201);
}

async fn keys(client: &Client) -> Vec<serde_json::Value> {
    client.on_locks("FOR d IN @@locks SORT d._key RETURN d._key", json!({})).await.rows()
}

#[tokio::test]
async fn fact_6_expired_documents_stay_until_they_are_removed() {
    let (server, client) = ready().await;
    with_ttl_index(&client, 10).await;
    take(&client, "k", "a", 5.0).await.row();
    server.step_clocks(14_900);
    assert_eq!(server.ttl_look().remove().await, TtlOutcome::default());
    server.step_clocks(200);
    assert_eq!(keys(&client).await, ["k"]);
    assert_eq!(server.ttl_look().remove().await, TtlOutcome { removed: 1, skipped: 0 });
    assert!(keys(&client).await.is_empty());
    assert!(take(&client, "k", "b", 5.0).await.row()["owner"] == "b");
}

#[tokio::test]
async fn fact_6_what_is_no_number_is_never_removed() {
    let (server, client) = ready().await;
    with_ttl_index(&client, 0).await;
    let text = "FOR d IN [{ _key: 'a' }, { _key: 'b', expiresAt: 'soon' }, { _key: 'c', expiresAt: null }, \
        { _key: 'd', expiresAt: -1 }, { _key: 'e', expiresAt: 1 }, { _key: 'f', expiresAt: [1] }] \
        INSERT d INTO @@locks";
    assert_eq!(client.on_locks(text, json!({})).await.status, 201);
    assert_eq!(server.ttl_look().remove().await, TtlOutcome { removed: 1, skipped: 0 });
    assert_eq!(keys(&client).await, ["a", "b", "c", "d", "f"]);
}

/// Not all at once: their locks would be in the way of others.
#[tokio::test]
async fn at_most_4000_are_removed_by_one_transaction() {
    let (server, client) = ready().await;
    with_ttl_index(&client, 0).await;
    client.on_locks("FOR i IN 1..9000 INSERT { expiresAt: 1 } INTO @@locks", json!({})).await;
    let commits = server.counters().commits;
    assert_eq!(server.ttl_look().remove().await, TtlOutcome { removed: 9000, skipped: 0 });
    assert_eq!(server.counters().commits, commits + 3);
}

#[tokio::test]
async fn fact_7_what_changes_between_look_and_removal_stays() {
    let (server, client) = ready().await;
    with_ttl_index(&client, 0).await;
    take(&client, "taken", "a", 5.0).await.row();
    take(&client, "left", "a", 5.0).await.row();
    server.step_clocks(6_000);
    let pass = server.ttl_look();
    assert_eq!(pass.found(), 2);
    assert_eq!(take(&client, "taken", "b", 5.0).await.row()["owner"], "b");
    assert_eq!(pass.remove().await, TtlOutcome { removed: 1, skipped: 1 });
    assert_eq!(keys(&client).await, ["taken"]);
}

#[tokio::test]
async fn a_removal_between_read_and_write_is_noticed() {
    let (server, client) = ready().await;
    with_ttl_index(&client, 0).await;
    let taken = take(&client, "k", "a", 5.0).await.row();
    release(&client, "k", "a", &taken["token"]).await.row();
    let late = server.fault(arango_server::Fault::at(arango_server::Point::AfterRead).on_key("k").pauses());
    let slow = tokio::spawn({
        let client = client.clone();
        async move { take(&client, "k", "b", 5.0).await.error() }
    });
    late.reached(1).await;
    server.step_clocks(1_000);
    assert_eq!(server.ttl_look().remove().await.removed, 1);
    late.resume();
    assert_eq!(slow.await.expect("no panic"), (409, 1200));
}

#[tokio::test]
async fn the_thread_removes_and_its_locks_are_in_the_way_meanwhile() {
    let builder = ArangoServer::builder().ttl_interval(Duration::from_millis(5)).ttl_hold(Duration::from_millis(30));
    let (server, client) = ready_with(builder).await;
    with_ttl_index(&client, 0).await;
    client.on_locks("INSERT { _key: 'k', expiresAt: 1 } INTO @@locks", json!({})).await;
    let mut refused = false;
    while !keys(&client).await.is_empty() {
        let reply = client.on_locks("FOR d IN @@locks UPDATE d WITH { touched: true } IN @@locks", json!({})).await;
        refused |= reply.status == 409;
    }
    assert!(refused, "the thread never held the lock");
    assert_eq!(
        server.history("_system", LOCKS, "k").last().map(|entry| entry.origin),
        Some(arango_server::Origin::Ttl)
    );
}
