//! Golden facts about documents and values: 9, 12, 14, 15.

use arango_server::ArangoServer;
use serde_json::{Value as Json, json};

use super::client::{LOCKS, ready, ready_with};

#[tokio::test]
async fn fact_9_keys_have_case_and_at_most_254_bytes() {
    let (_server, client) = ready().await;
    let insert = "INSERT { _key: @key } INTO @@locks RETURN NEW._key";
    for key in ["k", "K", &"x".repeat(254)] {
        assert_eq!(client.on_locks(insert, json!({ "key": key })).await.row(), key);
    }
    let found = client.on_locks("FOR d IN @@locks FILTER d._key == @key RETURN d._key", json!({ "key": "K" })).await;
    assert_eq!(found.rows(), ["K"]);
    assert_eq!(client.on_locks(insert, json!({ "key": "x".repeat(255) })).await.error(), (400, 1221));
}

#[tokio::test]
async fn fact_12_objects_are_merged_unless_told_otherwise() {
    for (options, expected) in [
        ("", json!({ "a": 1, "b": 2 })),
        ("OPTIONS { mergeObjects: true }", json!({ "a": 1, "b": 2 })),
        ("OPTIONS { mergeObjects: false }", json!({ "b": 2 })),
    ] {
        let (_server, client) = ready().await;
        client.on_locks("INSERT { _key: 'k', holder: { a: 1 } } INTO @@locks", json!({})).await;
        let text = format!("UPDATE 'k' WITH {{ holder: {{ b: 2 }} }} IN @@locks {options} RETURN NEW.holder");
        assert_eq!(client.on_locks(&text, json!({})).await.row(), expected, "{options}");
    }
}

#[tokio::test]
async fn null_is_kept_unless_told_otherwise() {
    let (_server, client) = ready().await;
    client.on_locks("INSERT { _key: 'k', a: 1, b: 1 } INTO @@locks", json!({})).await;
    let kept = client.on_locks("UPDATE 'k' WITH { a: null } IN @@locks RETURN NEW", json!({})).await.row();
    assert_eq!(kept.get("a"), Some(&Json::Null));
    let text = "UPDATE 'k' WITH { b: null } IN @@locks OPTIONS { keepNull: false } RETURN NEW";
    assert_eq!(client.on_locks(text, json!({})).await.row().get("b"), None);
}

#[tokio::test]
async fn a_write_sets_what_belongs_to_the_server() {
    let (_server, client) = ready().await;
    let text = "INSERT { _key: 'k', _rev: 'mine', _id: 'mine' } INTO @@locks RETURN NEW";
    let first = client.on_locks(text, json!({})).await.row();
    assert_eq!(first["_id"], format!("{LOCKS}/k"));
    let text = "UPDATE 'k' WITH { _key: 'other', a: 1 } IN @@locks RETURN { OLD, NEW }";
    let row = client.on_locks(text, json!({})).await.row();
    assert_eq!((&row["OLD"], &row["NEW"]["_key"]), (&first, &json!("k")));
    assert_ne!(row["NEW"]["_rev"], first["_rev"]);
    let replaced = client.on_locks("REPLACE 'k' WITH { b: 1 } IN @@locks RETURN NEW", json!({})).await.row();
    assert_eq!((replaced.get("a"), &replaced["b"]), (None, &json!(1)));
}

#[tokio::test]
async fn a_revision_counts_only_where_it_is_not_ignored() {
    let (_server, client) = ready().await;
    client.on_locks("INSERT { _key: 'k' } INTO @@locks", json!({})).await;
    for (statement, status) in [
        ("UPDATE { _key: 'k', _rev: 'old' } WITH { a: 1 } IN @@locks", 201),
        ("UPDATE { _key: 'k', _rev: 'old' } WITH { a: 1 } IN @@locks OPTIONS { ignoreRevs: false }", 409),
        ("REMOVE { _key: 'k', _rev: 'old' } IN @@locks OPTIONS { ignoreRevs: false }", 409),
        ("REPLACE { _key: 'k', _rev: 'old' } IN @@locks OPTIONS { ignoreRevs: false }", 409),
        ("UPSERT { _key: 'k' } INSERT {} UPDATE { _rev: 'old' } IN @@locks OPTIONS { ignoreRevs: false }", 409),
        ("REMOVE { _key: 'k', _rev: 'old' } IN @@locks", 201),
    ] {
        assert_eq!(client.on_locks(statement, json!({})).await.status, status, "{statement}");
    }
}

#[tokio::test]
async fn fact_14_date_now_is_whole_milliseconds_and_a_thousandth_of_it_is_not() {
    let (server, client) = ready().await;
    server.clock(0).freeze(1_734_512_345_678);
    assert_eq!(
        client.query("RETURN [DATE_NOW(), DATE_NOW() / 1000]", json!({})).await.text.split(']').next(),
        Some("{\"result\":[[1734512345678,1734512345.678")
    );
    server.clock(0).freeze(1_734_500_000_000);
    assert!(client.query("RETURN DATE_NOW() / 1000", json!({})).await.text.starts_with("{\"result\":[1734500000]"));
}

/// What has no document in it is computed while the query is planned, the rest while it runs.
#[tokio::test]
async fn arithmetic_of_a_running_query_is_in_doubles() {
    let (_server, client) = ready().await;
    for (text, result) in [
        ("LET n = 5 RETURN n * 200000000", "1000000000"),
        ("FOR n IN [5] RETURN n * 200000000", "1e+9"),
        ("RETURN 9007199254740993 + 0", "9007199254740993"),
        ("FOR n IN [9007199254740993] RETURN n + 0", "9007199254740992"),
        ("FOR n IN [7] RETURN n % 4", "3"),
    ] {
        let reply = client.query(text, json!({})).await.text;
        assert!(reply.starts_with(&format!("{{\"result\":[{result}]")), "{text}: {reply}");
    }
}

#[tokio::test]
async fn large_round_doubles_have_an_exponent_and_all_numbers_can_be_doubles() {
    let (_server, client) = ready().await;
    let text = "RETURN [1734500000000, 1734500000000.0, 1]";
    assert!(client.query(text, json!({})).await.text.starts_with("{\"result\":[[1734500000000,1.7345e+12,1]]"));
    let (_server, client) = ready_with(ArangoServer::builder().all_doubles()).await;
    assert!(client.query(text, json!({})).await.text.starts_with("{\"result\":[[1.7345e+12,1.7345e+12,1.0]]"));
}

#[tokio::test]
async fn fact_15_options_are_constants() {
    let (_server, client) = ready().await;
    for text in [
        "LET w = true INSERT {} INTO @@locks OPTIONS { waitForSync: w }",
        "INSERT {} INTO @@locks OPTIONS { waitForSync: @w }",
        "INSERT {} INTO @@locks OPTIONS { waitForSync: FIRST([true]) }",
    ] {
        let binds = if text.contains("@w") { json!({ "w": true }) } else { json!({}) };
        assert_eq!(client.on_locks(text, binds).await.error(), (400, 1575), "{text}");
    }
    let text = "INSERT {} INTO @@locks OPTIONS { waitForSink: true }";
    let reply = client.on_locks(text, json!({})).await;
    let warnings = reply.json()["extra"]["warnings"].clone();
    assert_eq!((reply.status, warnings.as_array().map(Vec::len)), (201, Some(1)));
    assert_eq!(warnings[0]["code"], 1539);
}

#[tokio::test]
async fn other_unique_indexes_are_enforced() {
    let (_server, client) = ready().await;
    let unique = json!({ "type": "persistent", "unique": true, "fields": ["name"] });
    client.post(&format!("/_api/index?collection={LOCKS}"), &unique).await;
    let insert = "INSERT { name: @name } INTO @@locks";
    assert_eq!(client.on_locks(insert, json!({ "name": "a" })).await.status, 201);
    assert_eq!(client.on_locks(insert, json!({ "name": "a" })).await.error(), (409, 1210));
    let twice = "FOR i IN 1..2 INSERT { name: 'b' } INTO @@locks";
    assert_eq!(client.on_locks(twice, json!({})).await.error(), (409, 1210));
    client.on_locks("FOR d IN @@locks REMOVE d IN @@locks", json!({})).await;
    assert_eq!(client.on_locks(insert, json!({ "name": "a" })).await.status, 201);
}
