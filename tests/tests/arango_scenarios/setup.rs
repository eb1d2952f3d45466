//! What is made and checked at the start, by one and by many at once, and which collections and servers are refused.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use arango_server::{ArangoServer, Builder, Failure, Fault, Generation, Level, Point, Rights};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Error, IndexMode, LockManager, RequestError, Result};

use crate::{
    lab::{DATABASE, LOCKS, ask, connected, connected_with, plant, record, root, started, warned, why},
    secrets::{PASSWORD, assert_silent},
};

const MANY: usize = 16;

/// A server without the database.
fn bare(builder: Builder) -> ArangoServer {
    builder.user("root", PASSWORD, Rights::new(Level::ReadWrite)).start().expect("started")
}

/// The collections, and the indexes of ours but the primary one.
async fn made(server: &ArangoServer) -> (Vec<String>, Vec<Value>) {
    let mut found = ask(server, "GET", "/_api/collection", &Value::Null).await;
    let collections = found["result"].take();
    let names =
        collections.as_array().expect("a list").iter().map(|each| each["name"].as_str().expect("a name").into());
    let mut found = ask(server, "GET", &format!("/_api/index?collection={LOCKS}"), &Value::Null).await;
    let Value::Array(mut indexes) = found["indexes"].take() else { panic!("{found}") };
    indexes.retain(|index| index["type"] != "primary");
    (names.collect(), indexes)
}

async fn is_made_once(server: &ArangoServer) {
    let (collections, indexes) = made(server).await;
    assert_eq!(collections, [LOCKS]);
    let shown: Vec<_> = indexes.iter().map(|index| (&index["type"], &index["fields"], &index["sparse"])).collect();
    let ttl = (&json!("ttl"), &json!(["expiresAt"]), &json!(true));
    assert_eq!(shown, [ttl, (&json!("persistent"), &json!(["bytes"]), &json!(true))], "{indexes:?}");
    assert_eq!(indexes[0]["expireAfter"].as_f64(), Some(86400.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_again_changes_nothing() {
    let server = started(ArangoServer::builder());
    let manager = LockManager::new(connected(&server).await);
    let guard = manager.lock("kept").acquire().await.expect("granted");
    for _ in 0..3 {
        let again = LockManager::new(connected(&server).await);
        assert!(again.lock("kept").try_acquire().await.expect("the store answers").is_none());
        is_made_once(&server).await;
    }
    guard.renew().await.expect("it is the same record");
    let collection = ask(&server, "GET", &format!("/_api/collection/{LOCKS}/properties"), &Value::Null).await;
    assert_eq!((&collection["type"], &collection["keyOptions"]["allowUserKeys"]), (&json!(2), &json!(true)));
    guard.release().await.expect("released");
}

/// All see that there is nothing before the first of them makes anything.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_of_each() {
    let cluster = || ArangoServer::builder().coordinators(&[0, 0]).visibility_delay(Duration::from_millis(300));
    for (server, has_database) in [
        (bare(ArangoServer::builder()), false),
        (bare(cluster()), false),
        (started(ArangoServer::builder()), true),
        (started(cluster()), true),
    ] {
        while has_database && ask(&server, "GET", "/_api/database/current", &Value::Null).await["error"] == true {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for path in ["/_db/_system/_api/database", &*format!("/_db/{DATABASE}/_api/collection")] {
            let slow = Fault::at(Point::Answering).on_path(path).delays(Duration::from_millis(50));
            server.fault(slow.times(2 * MANY as u64));
        }
        let endpoints = server.endpoints();
        let connecting: Vec<_> = endpoints
            .iter()
            .cycle()
            .take(MANY)
            .map(|uri| {
                let builder = ArangoBackend::builder().create_database(!has_database);
                tokio::spawn(builder.connect(uri.clone(), DATABASE, root()))
            })
            .collect();
        let mut all = Vec::new();
        for each in connecting {
            all.push(each.await.expect("no panic").unwrap_or_else(|error| panic!("{endpoints:?}: {error:?}")));
        }
        server.clear_faults();
        is_made_once(&server).await;
        // And what was made is one: of all who ask for one lock, one gets it.
        let mut holders = 0;
        for backend in all {
            let manager = LockManager::new(backend);
            let got = manager.lock("first").try_acquire().await.unwrap_or_else(|e| panic!("{endpoints:?}: {e:?}"));
            holders += usize::from(got.map(|guard| guard.detach()).is_some());
        }
        assert_eq!(holders, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_is_told() {
    let server = bare(ArangoServer::builder());
    let (warnings, connected) = warned(ArangoBackend::connect(server.url(), DATABASE, root())).await;
    let error = connected.expect_err("there is no such database");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert!(matches!(why(&error), RequestError::Refused { number: 1228, status: 404, .. }), "{error:?}");
    assert!(warnings.contains("create_database") && warnings.contains(DATABASE), "{warnings}");
    assert_silent(&error);
}

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

/// The server's own clean-up removes an idle record, and the token grows on; a held one it leaves alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_clean_up_removes_idle_records() {
    let server = started(ArangoServer::builder());
    let manager = LockManager::new(connected(&server).await);
    let guard = manager.lock("held").with_ttl(Duration::from_secs(24 * 3600)).acquire().await.expect("granted");
    let idle = manager.lock("idle").acquire().await.expect("granted");
    let token = idle.token();
    idle.release().await.expect("released");
    plant(&server, &record("long idle", "long%20idle")).await;
    assert_eq!(server.ttl_look().remove().await.removed, 1, "the one from 1970");
    server.ttl_clock().step(24 * 3600 * 1000 + 1);
    assert_eq!(server.ttl_look().remove().await.removed, 1, "a day later, the idle one");
    assert!(server.document(DATABASE, LOCKS, "idle").is_none() && server.document(DATABASE, LOCKS, "held").is_some());
    let next = manager.lock("idle").acquire().await.expect("granted");
    assert!(next.token() > token);
    next.release().await.expect("released");
    guard.release().await.expect("released");
}

/// Each text that the crate has, so that a new one cannot be forgotten.
#[tokio::test]
async fn a_text_that_is_not_taken_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shylock-arango/src/aql");
    let texts: BTreeMap<String, String> = fs::read_dir(folder)
        .expect("the texts")
        .map(|entry| entry.expect("a file").path())
        .map(|path| {
            (
                path.file_stem().expect("a name").to_string_lossy().into_owned(),
                fs::read_to_string(&path).expect("a text"),
            )
        })
        .collect();
    assert!(texts.len() >= 6, "{:?}", texts.keys());
    let server = started(ArangoServer::builder());
    for (name, text) in &texts {
        let parsing = Fault::at(Point::Received).on_path("/_api/query").on_query(text);
        let refused = server.fault(parsing.fails(Failure::new(1501, "syntax error near 'LET'")).always());
        let error = ArangoBackend::connect(server.url(), DATABASE, root()).await.expect_err(name);
        assert_eq!(refused.hits(), 1, "{name}: it is asked for once");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert!(matches!(why(&error), RequestError::Query { name: of, .. } if of == name), "{error:?}");
        assert!(why(&error).to_string().contains(&format!("`{name}`")), "{error:?}");
        let source = std::error::Error::source(why(&error)).expect("what the server says").to_string();
        assert!(source.contains("1501") && source.contains("near 'LET'"), "{source}");
        server.clear_faults();
    }
    connected(&server).await;
}
