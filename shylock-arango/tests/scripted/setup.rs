//! What happens before the first query.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Backend, Credentials, Error};
use tokio::task::JoinSet;

use crate::{
    lab::{builder, connected, request, shown},
    responder::{Answer, Asked, INDEXES, Server, refusal},
};

const COLLECTION: &str = "/_db/locks/_api/collection/shylock_locks";

fn is(asked: &Asked, method: &str, path: &str) -> bool {
    (asked.method.as_str(), asked.path.as_str()) == (method, path)
}

async fn connect(server: &Server) -> Result<ArangoBackend, Error> {
    builder().connect(&server.url, "locks", Credentials::none()).await
}

#[tokio::test]
async fn what_is_there_is_only_looked_at() {
    let server = Server::healthy().await;
    connected(builder(), &server).await;
    let asked: Vec<String> = server.log().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    let (first, queries) = asked.split_at(3);
    let index = "GET /_db/locks/_api/index?collection=shylock_locks".to_owned();
    assert_eq!(first, [format!("GET {COLLECTION}"), format!("GET {COLLECTION}/properties"), index]);
    assert_eq!(queries, vec!["POST /_db/locks/_api/query"; 8]);
}

/// A list of indexes.
fn indexes(list: &Value) -> Answer {
    Answer::Body(200, json!({ "error": false, "indexes": list }).to_string())
}

fn is_index(asked: &Asked, method: &str) -> bool {
    asked.method == method && asked.path.contains("/index?")
}

#[tokio::test]
async fn missing_indexes_are_made_in_the_background() {
    for present in 0..4 {
        let all = INDEXES.as_array().expect("a list").clone();
        let list: Value =
            all.into_iter().enumerate().filter(|(at, _)| *at == 0 || present & at != 0).map(|(_, i)| i).collect();
        let server =
            Server::new(move |asked| if is_index(asked, "GET") { indexes(&list) } else { Answer::Healthy }).await;
        let backend = connected(builder(), &server).await;
        let made: Vec<Value> =
            server.log().into_iter().filter(|asked| is_index(asked, "POST")).map(|asked| asked.body).collect();
        let ttl = json!({ "type": "ttl", "fields": ["expiresAt"], "expireAfter": 86_400, "inBackground": true });
        let live = json!({ "type": "persistent", "fields": ["bytes"], "sparse": true, "estimates": false, "inBackground": true });
        let wanted = [(1, ttl), (2, live)].into_iter().filter(|(bit, _)| present & bit == 0).map(|(_, index)| index);
        assert_eq!(made, wanted.collect::<Vec<_>>());
        assert_eq!(backend.weaknesses().await.expect("looked"), [""; 0], "they are there by now");
    }
}

/// An index that takes long to make, or is never made, is in nobody's way.
#[tokio::test]
async fn nobody_waits_for_an_index() {
    let mut all = JoinSet::new();
    for answer in [Answer::Silence, Answer::Close, refusal(500, 1482), refusal(400, 10), refusal(500, 1235)] {
        let shown = format!("{answer:?}");
        let script = move |asked: &Asked| match asked.path.contains("/index?") {
            true if asked.method == "GET" => indexes(&json!([])),
            true => answer.clone(),
            false if asked.is_take() => asked.granted(),
            false => Answer::Healthy,
        };
        all.spawn(async move {
            let server = Server::new(script).await;
            let since = tokio::time::Instant::now();
            let backend = connected(builder(), &server).await;
            assert!(since.elapsed() < std::time::Duration::from_secs(4), "{shown}: {:?}", since.elapsed());
            assert_eq!(backend.weaknesses().await.expect("looked").len(), 2, "{shown}");
            backend.try_acquire(&request()).await.expect("granted");
        });
    }
    all.join_all().await;
}

#[tokio::test]
async fn a_collection_is_made_by_one_of_many() {
    for (answer, wanted) in [(Answer::Healthy, 1), (refusal(409, 1207), 1)] {
        let server = Server::new(move |asked| match asked.method.as_str() {
            "GET" if asked.path == COLLECTION => refusal(404, 1203),
            "POST" if asked.path.ends_with("/collection") => answer.clone(),
            _ => Answer::Healthy,
        })
        .await;
        connected(builder().replication_factor(3).write_concern(2), &server).await;
        let made: Vec<Value> = server
            .log()
            .into_iter()
            .filter(|asked| is(asked, "POST", "/_db/locks/_api/collection"))
            .map(|asked| asked.body)
            .collect();
        assert_eq!(made.len(), wanted);
        assert_eq!(made[0]["shardKeys"], json!(["_key"]));
        assert_eq!((&made[0]["numberOfShards"], &made[0]["replicationFactor"]), (&json!(1), &json!(3)));
    }
}

/// Another coordinator knows of the new database and the new collection a little later.
#[tokio::test]
async fn what_was_made_is_waited_for() {
    let (looked, told) = (AtomicU32::new(0), AtomicU32::new(0));
    let server = Server::new(move |asked| match asked.path.as_str() {
        COLLECTION if looked.fetch_add(1, Ordering::SeqCst) < 2 => refusal(404, 1228),
        COLLECTION => refusal(404, 1203),
        path if path.ends_with("/properties") && told.fetch_add(1, Ordering::SeqCst) < 2 => refusal(404, 1203),
        _ => Answer::Healthy,
    })
    .await;
    let backend = connected(builder().create_database(true), &server).await;
    let first = server.log().remove(0);
    assert!(is(&first, "POST", "/_db/_system/_api/database"), "{first:?}");
    assert_eq!(first.body, json!({ "name": "locks" }));
    drop(backend);

    // The same afterwards, but only for who has just made it.
    let server = Server::new(|asked| match asked.path.as_str() {
        COLLECTION => refusal(404, 1203),
        _ if asked.is_take() => refusal(404, 1203),
        _ => Answer::Healthy,
    })
    .await;
    let backend = connected(builder(), &server).await;
    let error = backend.try_acquire(&request()).await.expect_err("not known yet");
    assert_eq!(*error.failure(), shylock_arango::Failure::NotApplied);
}

#[tokio::test]
async fn a_missing_database_is_told() {
    let server = Server::new(|asked| if asked.path == COLLECTION { refusal(404, 1228) } else { Answer::Healthy }).await;
    let error = connect(&server).await.expect_err("missing");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert_eq!(server.log().len(), 1, "nothing is made unasked");
    // Somebody else has just made it, and this coordinator does not know yet.
    let looked = AtomicU32::new(0);
    let server = Server::new(move |asked| match asked.path.as_str() {
        "/_db/_system/_api/database" => refusal(409, 1207),
        path if path.ends_with("/_api/database/current") => refusal(404, 1228),
        COLLECTION if looked.fetch_add(1, Ordering::SeqCst) < 2 => refusal(404, 1228),
        _ => Answer::Healthy,
    })
    .await;
    connected(builder().create_database(true), &server).await;
}

/// A server whose grammar is not ours says so at the start, and says which query it is about.
#[tokio::test]
async fn a_query_that_is_not_taken_is_named() {
    for (word, name) in [("UPSERT", "take"), ("@keys", "renew"), ("SORT", "list")] {
        let server = Server::new(move |asked| {
            let about =
                asked.path.ends_with("/query") && asked.body["query"].as_str().is_some_and(|q| q.contains(word));
            if about { refusal(400, 1501) } else { Answer::Healthy }
        })
        .await;
        let error = connect(&server).await.expect_err("refused");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert!(shown(&error).contains(&format!("does not take the query `{name}`")), "{error:?}");
        assert!(shown(&error).contains("1501"), "{error:?}");
    }
}

#[tokio::test]
async fn another_ttl_index_is_judged() {
    for (expire_after, fits) in [(json!(7200), true), (json!(0), false)] {
        let server = Server::new(move |asked| match is_index(asked, "GET") {
            true => indexes(
                &json!([{ "type": "geo" }, { "type": "ttl", "fields": ["expiresAt"], "expireAfter": expire_after }]),
            ),
            false => Answer::Healthy,
        })
        .await;
        let connected = connect(&server).await;
        assert_eq!(connected.is_ok(), fits, "{connected:?}");
        if let Err(error) = connected {
            assert!(matches!(error, Error::InvalidOption { option: "collection", .. }), "{error:?}");
        }
    }
}

/// Without the right to make an index, locks work; without the right to make the collection, it is an error.
#[tokio::test]
async fn missing_rights_are_survived_or_told() {
    let server =
        Server::new(|asked| if asked.path.contains("/index?") { refusal(403, 11) } else { Answer::Healthy }).await;
    connected(builder(), &server).await;
    let server = Server::new(|asked| match asked.path.contains("/index?") {
        true if asked.method == "GET" => indexes(&json!([])),
        true => refusal(403, 11),
        false => Answer::Healthy,
    })
    .await;
    assert_eq!(connected(builder(), &server).await.weaknesses().await.expect("looked").len(), 2);
    let server = Server::new(|asked| match asked.method.as_str() {
        "GET" if asked.path == COLLECTION => refusal(404, 1203),
        "POST" if asked.path.ends_with("/collection") => refusal(403, 11),
        _ => Answer::Healthy,
    })
    .await;
    let error = connect(&server).await.expect_err("forbidden");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
}

/// A server that is starting up, or whose cluster plan is being changed by others, is asked again.
#[tokio::test]
async fn a_server_that_is_not_ready_is_asked_again() {
    let bare = |status, body: &str| Answer::Body(status, body.into());
    let mut connecting = JoinSet::new();
    for answer in [
        refusal(503, 503),
        refusal(412, 1448),
        refusal(500, 1457),
        refusal(409, 1200),
        // A leader that moves.
        refusal(503, 1495),
        refusal(503, 1496),
        refusal(421, 1491),
        refusal(501, 1477),
        refusal(503, 38),
        // A number that nobody knows, and what is no server's.
        refusal(400, 99_999),
        bare(502, ""),
        bare(503, "<html>Service Unavailable</html>"),
    ] {
        for path in [COLLECTION, "/properties", "/index?", "/_api/query"] {
            let (answer, asked_before) = (answer.clone(), AtomicU32::new(0));
            connecting.spawn(async move {
                let shown = format!("{path}: {answer:?}");
                let server = Server::new(move |asked| {
                    let is_meant = asked.path.contains(path);
                    let is_unready = is_meant && asked_before.fetch_add(1, Ordering::SeqCst) < 2;
                    if is_unready { answer.clone() } else { Answer::Healthy }
                })
                .await;
                let connected = connect(&server).await;
                assert!(connected.is_ok(), "{shown}: {connected:?}");
            });
        }
    }
    connecting.join_all().await;
}

#[tokio::test]
async fn unfit_collections_are_refused() {
    for properties in [
        json!({ "type": 3, "error": false }),
        json!({ "type": 2, "shardKeys": ["name"], "numberOfShards": 1, "error": false }),
        json!({ "type": 2, "keyOptions": { "allowUserKeys": false }, "error": false }),
        json!({ "type": 2, "computedValues": [{ "name": "owner", "expression": "RETURN 1" }], "error": false }),
        json!({ "type": 2, "isSmart": true, "error": false }),
        json!({ "type": 2, "shardKeys": ["_key"], "numberOfShards": 1, "replicationFactor": 1, "error": false }),
    ] {
        let body = properties.to_string();
        let server = Server::new(move |asked| match asked.path.ends_with("/properties") {
            true => Answer::Body(200, body.clone()),
            false => Answer::Healthy,
        })
        .await;
        let connected = builder().replication_factor(2).connect(&server.url, "locks", Credentials::none()).await;
        let error = connected.expect_err("unfit");
        assert!(matches!(error, Error::InvalidOption { option: "collection", .. }), "{error:?}");
    }
}

#[tokio::test]
async fn options_have_bounds() {
    let uri = "http://localhost:1";
    for (builder, wrong) in [
        (builder().collection("_system"), "collection"),
        (builder().collection(""), "collection"),
        (builder().collection("a/b"), "collection"),
        (builder().retention(std::time::Duration::ZERO), "retention"),
        (builder().skew_allowance(std::time::Duration::from_secs(3601)), "skew_allowance"),
        (builder().replication_factor(0), "replication_factor"),
        (builder().replication_factor(2).write_concern(3), "write_concern"),
        (builder().request_timeout(std::time::Duration::ZERO), "request_timeout"),
        (builder().root_certificate("no certificate"), "root_certificate"),
        (builder().endpoint("http://root:canaryinthemine@b"), "uri"),
    ] {
        assert!(!format!("{builder:?}").contains("canaryinthemine"), "{builder:?}");
        let error = builder.connect(uri, "locks", Credentials::none()).await.expect_err(wrong);
        assert!(matches!(error, Error::InvalidOption { option, .. } if option == wrong), "{wrong}: {error:?}");
        assert!(!shown(&error).contains("canaryinthemine"));
    }
    for database in ["", "a/b", "..", "a\n"] {
        let error = builder().connect(uri, database, Credentials::none()).await.expect_err("a bad name");
        assert!(matches!(error, Error::InvalidOption { option: "database", .. }), "{error:?}");
    }
}
