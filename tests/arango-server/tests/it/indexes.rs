//! Sorted indexes: which queries use one, and what they read of it.

use arango_server::{ArangoServer, Fault, Point};
use serde_json::{Value as Json, json};

use super::client::{Client, LOCKS, Reply, ready};

/// Documents of which a third has no `held`, and an index over it.
async fn with_index(sparse: bool) -> (ArangoServer, Client) {
    let (server, client) = ready().await;
    let text = "FOR i IN 1..90 INSERT { _key: TO_STRING(i), held: i % 3 == 0 ? null : [i, i], i: i } INTO @@locks";
    assert_eq!(client.on_locks(text, json!({})).await.status, 201);
    let index = json!({ "type": "persistent", "fields": ["held"], "sparse": sparse });
    let made = client.post(&format!("/_api/index?collection={LOCKS}"), &index).await;
    assert_eq!((made.status, made.json()["sparse"].clone()), (201, json!(sparse)));
    (server, client)
}

async fn find(client: &Client, filter: &str) -> Reply {
    client.on_locks(&format!("FOR l IN @@locks FILTER {filter} RETURN l.i"), json!({})).await
}

fn scanned(reply: &Reply) -> (u64, u64) {
    (reply.stat("scannedIndex"), reply.stat("scannedFull"))
}

#[tokio::test]
async fn a_bounded_field_is_read_from_its_index() {
    let (_server, client) = with_index(true).await;
    for (filter, found, read) in [
        ("l.held >= [80] && l.held < [84]", vec![80, 82, 83], (3, 0)),
        ("[84] > l.held && [80] <= l.held && l.i != 82", vec![80, 83], (3, 0)),
        ("l.held == [80, 80]", vec![80], (1, 0)),
        ("l.held > null && l.held < [3]", vec![1, 2], (2, 0)),
        // A sparse index has no null, which comes before everything.
        ("l.held < [2]", (1..=90).filter(|i| i % 3 == 0 || *i == 1).collect(), (0, 90)),
        ("l.held == null && l.i < 4", vec![3], (0, 90)),
        ("l.i >= 89", vec![89, 90], (0, 90)),
    ] {
        let reply = find(&client, filter).await;
        let mut rows: Vec<i64> = reply.rows().iter().map(|row| row.as_i64().expect("a number")).collect();
        rows.sort_unstable();
        assert_eq!((rows, scanned(&reply)), (found, read), "{filter}");
    }
    let (_server, client) = with_index(false).await;
    assert_eq!(scanned(&find(&client, "l.held < [2]").await), (31, 0));
}

/// A snapshot is older than the index: the index is of the last commit.
#[tokio::test]
async fn an_index_shows_what_the_snapshot_has() {
    let (server, client) = with_index(true).await;
    let filter = "l.held >= [80] && l.held < [84]";
    let late = server.fault(Fault::at(Point::AfterSnapshot).on_query(filter).pauses());
    let slow = tokio::spawn({
        let client = client.clone();
        async move { find(&client, filter).await.rows() }
    });
    late.reached(1).await;
    for text in [
        "UPDATE '80' WITH { held: null } IN @@locks",
        "REMOVE '82' IN @@locks",
        "INSERT { _key: 'new', held: [81], i: 0 } INTO @@locks",
    ] {
        assert_eq!(client.on_locks(text, json!({})).await.status, 201);
    }
    late.resume();
    assert_eq!(slow.await.expect("no panic"), [json!(80), json!(82), json!(83)] as [Json; 3]);
    let after = find(&client, filter).await;
    assert_eq!((after.rows(), scanned(&after)), (vec![json!(0), json!(83)], (2, 0)));
}
