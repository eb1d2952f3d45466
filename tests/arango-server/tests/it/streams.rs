//! Stream transactions: what ends them, and requests that meet in one.

use std::time::Duration;

use arango_server::{ArangoServer, Builder, Fault, Point};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Client, LOCKS, ready_with};

const INSERT: &str = "INSERT { _key: @key } INTO @@locks RETURN NEW._key";

async fn begun(builder: Builder) -> (ArangoServer, Client, String) {
    let (server, client) = ready_with(builder).await;
    let begun = client.post("/_api/transaction/begin", &json!({ "collections": { "write": [LOCKS] } })).await;
    let id = begun.json()["result"]["id"].as_str().expect("an id").to_owned();
    (server, client, id)
}

async fn within(client: &Client, id: &str, key: &str) -> (u16, Json) {
    let body = json!({ "query": INSERT, "bindVars": { "@locks": LOCKS, "key": key } });
    let http = reqwest::Client::new().post(format!("{}/_api/cursor", client.url())).header("x-arango-trx-id", id);
    let answer = http.body(body.to_string()).send().await.expect("an answer");
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON"))
}

async fn status(client: &Client, id: &str) -> Json {
    client.get(&format!("/_api/transaction/{id}")).await.json()["result"]["status"].clone()
}

/// And frees what it has locked, though nobody asks for it.
#[tokio::test]
async fn one_that_is_idle_for_too_long_is_aborted() {
    let (server, client, id) = begun(ArangoServer::builder().stream_idle(Duration::from_millis(100))).await;
    assert_eq!(within(&client, &id, "k").await.0, 201);
    let insert = async || client.on_locks(INSERT, json!({ "key": "k" })).await.status;
    assert_eq!(insert().await, 409, "its key is locked");
    while insert().await != 201 {}
    assert_eq!(status(&client, &id).await, "aborted");
    let commit = client.send(Method::PUT, &format!("/_api/transaction/{id}"), None).await.expect("an answer");
    assert_eq!((commit.error(), within(&client, &id, "x").await.0), ((410, 1654), 410));
    assert_eq!(server.history("_system", LOCKS, "k").len(), 1);
}

#[tokio::test]
async fn requests_of_one_transaction_wait_for_each_other_and_not_for_ever() {
    for (wait, second) in [(Duration::from_secs(60), 201), (Duration::from_millis(10), 500)] {
        let (server, client, id) = begun(ArangoServer::builder().stream_wait(wait)).await;
        let slow = server.fault(Fault::at(Point::Locked).on_key("slow").pauses());
        let first = tokio::spawn({
            let (client, id) = (client.clone(), id.clone());
            async move { within(&client, &id, "slow").await }
        });
        slow.reached(1).await;
        let next = tokio::spawn({
            let (client, id) = (client.clone(), id.clone());
            async move { within(&client, &id, "next").await }
        });
        if second == 500 {
            let (status, error) = next.await.expect("no panic");
            assert_eq!((status, &error["errorNum"]), (500, &json!(28)));
            slow.resume();
        } else {
            slow.resume();
            assert_eq!(next.await.expect("no panic").0, second);
        }
        assert_eq!(first.await.expect("no panic").0, 201);
    }
}
