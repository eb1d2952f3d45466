//! The texts that we ship, on a server that interprets them.

use arango_server::{ArangoServer, DateNow, Generation};
use serde_json::{Value as Json, json};

use super::{
    client::{Client, LOCKS, ready, ready_with},
    texts::{self, peek, release, renew, take},
};

#[tokio::test]
async fn all_texts_parse() {
    let (_server, client) = ready().await;
    for text in texts::ALL {
        let reply = client.post("/_api/query", &json!({ "query": text })).await;
        assert_eq!((reply.status, &reply.json()["parsed"]), (200, &json!(true)), "{text}");
    }
}

#[tokio::test]
async fn a_lock_is_taken_held_renewed_released_and_taken_again() {
    let (server, client) = ready().await;
    life_of_a_lock(&client).await;
    tokens_grow(&server);
}

#[tokio::test]
async fn the_same_where_date_now_is_read_at_every_call() {
    let (server, client) = ready_with(ArangoServer::builder().date_now(DateNow::PerCall)).await;
    life_of_a_lock(&client).await;
    tokens_grow(&server);
}

#[tokio::test]
async fn the_same_on_the_next_generation() {
    let (server, client) = ready_with(ArangoServer::builder().generation(Generation::V4)).await;
    life_of_a_lock(&client).await;
    tokens_grow(&server);
}

#[tokio::test]
async fn an_expired_lock_is_taken_over_with_a_higher_token() {
    let (server, client) = ready().await;
    let first = take(&client, "k", "a", 10.0).await.row();
    server.step_clocks(10_001);
    let second = take(&client, "k", "b", 10.0).await.row();
    assert_eq!(second["owner"], "b");
    assert!(second["token"].as_f64() > first["token"].as_f64());
    assert_eq!(second["holder"], json!({ "note": "b", "b": true }), "nothing of the old holder is left");
    assert!(renew(&client, "k", "a", &first["token"], 10.0).await.rows().is_empty());
    assert!(release(&client, "k", "a", &first["token"]).await.rows().is_empty());
}

#[tokio::test]
async fn a_token_grows_when_the_clock_steps_back() {
    let (server, client) = ready().await;
    let first = take(&client, "k", "a", 10.0).await.row();
    release(&client, "k", "a", &first["token"]).await.row();
    server.step_clocks(-60_000);
    let second = take(&client, "k", "b", 10.0).await.row();
    assert_eq!(second["token"].as_f64(), first["token"].as_f64().map(|token| token + 1.0));
}

#[tokio::test]
async fn a_renewal_never_shortens_a_lease() {
    let (_server, client) = ready().await;
    let taken = take(&client, "k", "a", 60.0).await.row();
    let renewed = renew(&client, "k", "a", &taken["token"], 1.0).await.row();
    assert_eq!(renewed["expiresAt"], taken["expiresAt"]);
}

#[tokio::test]
async fn an_acquisition_is_abandoned_by_its_owner_only() {
    let (_server, client) = ready().await;
    let taken = take(&client, "k", "a", 60.0).await.row();
    assert!(client.on_locks(texts::ABANDON, json!({ "key": "k", "owner": "b" })).await.rows().is_empty());
    let abandoned = client.on_locks(texts::ABANDON, json!({ "key": "k", "owner": "a" })).await.row();
    assert_eq!((&abandoned["token"], &abandoned["wasLive"]), (&taken["token"], &json!(true)));
}

#[tokio::test]
async fn live_locks_are_listed_by_name_and_broken_by_force() {
    let (_server, client) = ready().await;
    for key in ["c", "a", "b"] {
        take(&client, key, "me", 60.0).await.row();
    }
    let broken = json!({ "key": "b", "token": null });
    assert_eq!(client.on_locks(texts::FORCE_BREAK, broken).await.row()["owner"], "me");
    let other = json!({ "key": "a", "token": 1 });
    assert!(client.on_locks(texts::FORCE_BREAK, other).await.rows().is_empty());
    let listed = client.on_locks(texts::LIST, json!({ "skip": 0, "limit": 10 })).await.rows();
    let names: Vec<&Json> = listed.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["a", "c"]);
    let page = client.on_locks(texts::LIST, json!({ "skip": 1, "limit": 1 })).await.row();
    assert_eq!(page["key"], "c");
}

#[tokio::test]
async fn many_leases_are_renewed_in_one_query() {
    let (_server, client) = ready().await;
    let mut leases = json!({});
    let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    for key in &keys {
        let taken = take(&client, key, "me", 60.0).await.row();
        leases[key] = json!({ "owner": "me", "token": taken["token"], "ttl": 90 });
    }
    leases["k7"]["owner"] = json!("another");
    let reply = client.on_locks(texts::RENEW, json!({ "keys": keys, "leases": leases })).await;
    assert_eq!((reply.rows().len(), reply.stat("writesExecuted"), reply.stat("scannedFull")), (49, 49, 0));
}

async fn life_of_a_lock(client: &Client) {
    let taken = take(client, "k", "a", 30.0).await;
    assert_eq!(taken.status, 201);
    let (taken, held) = (taken.row(), take(client, "k", "b", 30.0).await.row());
    assert_eq!((&taken["owner"], &held["owner"]), (&json!("a"), &json!("a")));
    assert_eq!(held["token"], taken["token"]);
    let remaining = held["expiresAt"].as_f64().zip(held["now"].as_f64()).map(|(end, now)| end - now);
    assert!(remaining.is_some_and(|remaining| remaining > 20.0 && remaining <= 30.0));
    assert_eq!(peek(client, "k").await.row()["holder"], json!({ "note": "a", "a": true }));
    assert_eq!(renew(client, "k", "a", &taken["token"], 60.0).await.row()["owner"], "a");
    assert_eq!(release(client, "k", "a", &taken["token"]).await.row()["wasLive"], true);
    assert_eq!(peek(client, "k").await.row()["owner"], Json::Null);
    let again = take(client, "k", "b", 30.0).await.row();
    assert_eq!(again["owner"], "b");
    assert!(again["token"].as_f64() > taken["token"].as_f64());
    let now = client.value(texts::NOW).await;
    assert!(now.as_f64() >= again["token"].as_f64().map(|token| token - 1.0));
}

/// Grants are the versions with another token than the one before.
fn tokens_grow(server: &ArangoServer) {
    let history = server.history("_system", LOCKS, "k");
    let token = |version: &arango_server::AuditEntry| version.document.as_ref()?["token"].as_f64();
    let mut tokens: Vec<f64> = history.iter().filter_map(token).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.is_sorted());
}
