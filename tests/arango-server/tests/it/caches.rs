//! What a server keeps of queries: results on a single server, plans with the time at which they were made.

use arango_server::{ArangoServer, CacheMode, DateNow};
use serde_json::{Value as Json, json};

use super::{
    client::{Client, LOCKS, ready_with},
    texts::{PEEK, take},
};

async fn ask(client: &Client, text: &str, options: Json) -> Json {
    let binds = if text.contains("@key") { json!({ "@locks": LOCKS, "key": "k" }) } else { json!({ "@locks": LOCKS }) };
    let mut body = json!({ "query": text, "bindVars": binds });
    body.as_object_mut().expect("it is one").extend(options.as_object().expect("it is one").clone());
    client.post("/_api/cursor", &body).await.json()
}

/// A query is asked for what it calls after its constants are computed, and the clock is one of them.
#[tokio::test]
async fn a_result_is_kept_with_its_clock_until_the_collection_changes() {
    let (server, client) = ready_with(ArangoServer::builder().results_cache(CacheMode::On)).await;
    take(&client, "k", "a", 30.0).await.row();
    let first = ask(&client, PEEK, json!({})).await;
    server.step_clocks(60_000);
    let second = ask(&client, PEEK, json!({})).await;
    assert_eq!((&first["cached"], &second["cached"]), (&json!(false), &json!(true)));
    assert_eq!(first["result"], second["result"], "the time stands still");
    assert_eq!(ask(&client, PEEK, json!({ "count": true })).await["cached"], false, "another query");
    take(&client, "k", "b", 30.0).await.row();
    let third = ask(&client, PEEK, json!({})).await;
    assert_eq!((&third["cached"], &third["result"][0]["owner"]), (&json!(false), &json!("b")));
    assert_eq!(server.counters().cached_results, 1);
}

#[tokio::test]
async fn what_a_query_says_of_the_cache_counts() {
    for (mode, options, is_cached) in [
        (CacheMode::On, json!({ "cache": false }), false),
        (CacheMode::On, json!({ "options": { "cache": false } }), false),
        (CacheMode::On, json!({ "cache": true, "options": { "cache": false } }), false),
        (CacheMode::Demand, json!({}), false),
        (CacheMode::Demand, json!({ "cache": true }), true),
        (CacheMode::Demand, json!({ "options": { "cache": true } }), true),
        (CacheMode::Off, json!({ "cache": true }), false),
    ] {
        let (_server, client) = ready_with(ArangoServer::builder().results_cache(mode)).await;
        ask(&client, PEEK, options.clone()).await;
        assert_eq!(ask(&client, PEEK, options.clone()).await["cached"], is_cached, "{mode:?} {options}");
    }
}

#[tokio::test]
async fn not_every_result_can_be_kept() {
    for (builder, text) in [
        (ArangoServer::builder().coordinators(&[0]), PEEK),
        (ArangoServer::builder().date_now(DateNow::PerCall), PEEK),
        (ArangoServer::builder(), "FOR l IN @@locks RETURN SLEEP(0)"),
        (ArangoServer::builder(), "FOR l IN @@locks RETURN 1 / 0"),
        (ArangoServer::builder(), "FOR l IN @@locks UPDATE l WITH {} IN @@locks RETURN 1"),
    ] {
        let (_server, client) = ready_with(builder.results_cache(CacheMode::On)).await;
        take(&client, "k", "a", 30.0).await.row();
        ask(&client, text, json!({})).await;
        assert_eq!(ask(&client, text, json!({})).await["cached"], false, "{text}");
    }
}

/// A plan has what was constant when it was made, which is the time if nothing else.
#[tokio::test]
async fn a_kept_plan_keeps_its_clock() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let with = json!({ "options": { "usePlanCache": true } });
    let now = "FOR l IN [1] FILTER 'x' != @key RETURN DATE_NOW()";
    let ask = async |text: &str| {
        let body = json!({ "query": text, "bindVars": { "key": "k" }, "options": with["options"] });
        client.post("/_api/cursor", &body).await
    };
    let first = ask(now).await.row();
    server.step_clocks(60_000);
    assert_eq!(ask(now).await.row(), first);
    assert_ne!(client.query(now, json!({ "key": "k" })).await.row(), first);
    for refused in [
        "FOR l IN [{ a: 'k' }] FILTER l.@key == 'k' RETURN l",
        "FOR l IN [1, 2] LIMIT @key RETURN l",
        "UPSERT { _key: @key } INSERT {} UPDATE {} IN shylock_locks",
    ] {
        assert_eq!(ask(refused).await.error(), (500, 1584), "{refused}");
    }
}
