//! What is made and checked at the start, by one and by many at once, and which servers are refused.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use arango_server::{ArangoServer, Builder, Failure, Fault, Level, Point, Rights};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Error, LockManager, RequestError};

use crate::{
    lab::{DATABASE, LOCKS, ask, connected, plant, record, root, started, warned, why},
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
