//! Which collections and indexes are refused, and which are warned of.

use arango_server::{ArangoServer, Failure, Fault, Generation, Point};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Error, IndexMode, LockManager, Result};

use crate::lab::{DATABASE, LOCKS, ask, connected, connected_with, root, started, warned, why};

async fn connected_to(server: &ArangoServer, properties: Value) -> (String, Result<ArangoBackend>) {
    let mut wanted = json!({ "name": LOCKS });
    wanted.as_object_mut().expect("it is one").extend(properties.as_object().expect("it is one").clone());
    let answer = ask(server, "POST", "/_api/collection", &wanted).await;
    assert_eq!(answer["name"], LOCKS, "{answer}");
    let builder = ArangoBackend::builder().replication_factor(2).write_concern(2);
    let done = warned(builder.connect(server.url(), DATABASE, root())).await;
    server.drop_collection(DATABASE, LOCKS).expect("it is there");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_that_cannot_hold_locks_are_refused() {
    let server = started(ArangoServer::builder().coordinators(&[0, 0]));
    let enough = json!({ "replicationFactor": 2, "writeConcern": 2 });
    for (change, says) in [
        (json!({ "shardKeys": ["name"] }), "sharded by something else"),
        (json!({ "shardKeys": ["_key", "name"], "numberOfShards": 3 }), "sharded by something else"),
        (json!({ "keyOptions": { "type": "autoincrement", "allowUserKeys": false } }), "takes no keys of ours"),
        (json!({ "type": 3 }), "no document collection"),
        (json!({ "writeConcern": 1 }), "lower `writeConcern`"),
        (json!({ "replicationFactor": 1, "writeConcern": 1 }), "lower `replicationFactor`"),
        (
            json!({ "computedValues": [{ "name": "owner", "expression": "RETURN 'me'", "overwrite": true }] }),
            "computedValues",
        ),
        (json!({ "isSmart": true, "smartGraphAttribute": "region" }), "SmartGraph"),
    ] {
        let mut properties = enough.clone();
        properties.as_object_mut().expect("it is one").extend(change.as_object().expect("it is one").clone());
        let (_, connected) = connected_to(&server, properties).await;
        let error = connected.expect_err(says);
        let Error::InvalidOption { option: "collection", reason } = &error else { panic!("{change}: {error:?}") };
        assert!(reason.contains(says) && reason.contains(LOCKS), "{change}: {reason}");
    }
    let (warnings, connected) =
        connected_to(&server, json!({ "replicationFactor": 3, "writeConcern": 2, "numberOfShards": 5 })).await;
    connected.expect("several shards by `_key` are fine");
    assert_eq!(warnings, "");
    // All servers have it: there is no number that could be too low.
    let (warnings, connected) = connected_to(&server, json!({ "replicationFactor": "satellite" })).await;
    connected.expect("a satellite is fine");
    assert!(warnings.contains("fenced") && !warnings.contains("writeConcern"), "{warnings}");
}

/// A single server refuses the same, as far as it has it.
#[tokio::test]
async fn what_would_change_or_refuse_our_writes_is_told() {
    let server = started(ArangoServer::builder());
    for (properties, says) in [
        (
            json!({ "computedValues": [{ "name": "x", "expression": "RETURN 1", "overwrite": false }] }),
            "computedValues",
        ),
        (json!({ "isSmart": true }), "SmartGraph"),
    ] {
        let (_, connected) = connected_to(&server, properties).await;
        let error = connected.expect_err(says);
        assert!(
            matches!(&error, Error::InvalidOption { option: "collection", reason } if reason.contains(says)),
            "{error:?}"
        );
    }
    for (schema, is_weak) in
        [(json!({ "rule": {}, "level": "new" }), true), (json!({ "rule": {}, "level": "none" }), false)]
    {
        let (warnings, connected) = connected_to(&server, json!({ "schema": schema })).await;
        assert_eq!(warnings.contains("`schema`"), is_weak, "{warnings}");
        let weaknesses = connected.expect("it will do").weaknesses().await.expect("looked").to_vec();
        assert_eq!(weaknesses.iter().any(|weakness| weakness.contains("`schema`")), is_weak, "{weaknesses:?}");
    }
    // What a schema refuses is a plain sentence, and final.
    let manager = LockManager::new(connected(&server).await);
    let refused = Failure::new(1620, "schema validation failed");
    server.fault(Fault::at(Point::Locked).on_query("UPSERT").fails(refused));
    let error = manager.lock("x").acquire().await.expect_err("refused");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert_eq!(
        why(&error).to_string(),
        "ArangoDB error 1620 (HTTP status 400): AQL: schema validation failed (while executing)"
    );
}

#[tokio::test]
async fn what_could_be_lost_with_one_server_is_warned_of() {
    let server = started(ArangoServer::builder().coordinators(&[0]));
    for (properties, says) in [
        (json!({ "replicationFactor": 3, "writeConcern": 1 }), "`writeConcern` is 1"),
        (json!({ "replicationFactor": 1, "writeConcern": 1 }), "`replicationFactor` is 1"),
    ] {
        let mut wanted = properties;
        wanted["name"] = LOCKS.into();
        ask(&server, "POST", "/_api/collection", &wanted).await;
        let (warnings, connected) = warned(ArangoBackend::connect(server.url(), DATABASE, root())).await;
        connected.expect("it will do");
        assert!(warnings.contains(says) && warnings.contains(LOCKS), "{warnings}");
        server.drop_collection(DATABASE, LOCKS).expect("it is there");
    }
}

/// One of another's that could remove a live lease is refused; any other is left alone.
#[tokio::test]
async fn foreign_indexes_are_judged() {
    let ttl = |field: &str, after: u64| json!({ "type": "ttl", "fields": [field], "expireAfter": after });
    let unique = |field: &str, sparse: bool| json!({ "type": "persistent", "fields": [field], "unique": true, "sparse": sparse });
    for (index, is_fine) in [
        (ttl("expiresAt", 0), false),
        (ttl("expiresAt", 60), false),
        (ttl("acquiredAt", 86400), false),
        (ttl("expiresAt", 7200), true),
        (ttl("createdAt", 0), true),
        (unique("name", false), true),
        (unique("x", true), true),
        (unique("owner", false), false),
        (unique("token", true), false),
        (unique("x", false), false),
    ] {
        let server = started(ArangoServer::builder());
        ask(&server, "POST", "/_api/collection", &json!({ "name": LOCKS })).await;
        let answer = ask(&server, "POST", &format!("/_api/index?collection={LOCKS}"), &index).await;
        assert_eq!(answer["isNewlyCreated"], true, "{answer}");
        let (warnings, connected) = warned(ArangoBackend::connect(server.url(), DATABASE, root())).await;
        match connected {
            Ok(_) => assert!(is_fine, "{index}"),
            Err(Error::InvalidOption { option: "collection", reason }) => {
                let kind = if index["type"] == "ttl" { "TTL index" } else { "unique index" };
                assert!(!is_fine && reason.contains(kind) && reason.contains("drop it"), "{index}: {reason}");
            }
            Err(error) => panic!("{index}: {error:?}"),
        }
        let is_other = index["type"] == "ttl";
        assert_eq!(warnings.contains("could not be made as it is configured"), is_other, "{index}: {warnings}");
        // Whoever leaves indexes alone has decided so.
        connected_with(&server, ArangoBackend::builder().index(IndexMode::Skip)).await;
    }
}

#[tokio::test]
async fn indexes_of_unknown_types_are_no_obstacle() {
    for generation in [Generation::V3, Generation::V4] {
        let server = started(ArangoServer::builder().generation(generation));
        ask(&server, "POST", "/_api/collection", &json!({ "name": LOCKS })).await;
        for index in [
            json!({ "type": "inverted", "fields": [{ "name": "x" }], "id": "i/1", "name": "i" }),
            json!({ "type": "mdi", "fields": ["x", "y"], "fieldValueTypes": "double", "sparse": true }),
            json!({ "type": "of-next-year" }),
            json!({}),
        ] {
            server.show_foreign_index(DATABASE, LOCKS, index).expect("shown");
        }
        let manager = LockManager::new(connected(&server).await);
        manager.lock("x").acquire().await.expect("granted").release().await.expect("released");
    }
}
