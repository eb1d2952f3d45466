//! Replies that no `mongod` gives: from its relatives, from proxies, and broken ones.

use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use shylock_core::{Backend, Failure, FencingToken, HolderId, LeaseKey, LockName, Renewal};
use shylock_mongo::{Error, LockManager, MongoBackend};

use shylock_tests::{Flag, Mongo};

use crate::{fake::Fake, plain::assert_plain};

const DATABASE: &str = "shylock_replies";

fn lease() -> LeaseKey {
    LeaseKey {
        name: LockName::new("x").expect("a name"),
        holder: HolderId::from_bytes([1; 16]),
        token: FencingToken::new(7).expect("a token"),
    }
}

/// The standalone's reply to `hello`, with more in it.
fn hello(more: Document) -> impl Fn(&str) -> Option<Document> + Send + Sync {
    move |command| {
        ["hello", "ismaster"].contains(&command).then(|| {
            let mut reply = doc! {
                "helloOk": true, "isWritablePrimary": true, "ismaster": true, "minWireVersion": 0, "maxWireVersion": 17,
                "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "ok": 1.0,
            };
            reply.extend(more.clone());
            reply
        })
    }
}

/// By `connect`, and by the first call with a client of the user's.
async fn refused(fake: &Fake) -> [Error; 2] {
    let client = mongodb::Client::with_uri_str(&fake.uri).await.expect("an address");
    let lock = LockManager::new(MongoBackend::new(client.database(DATABASE))).lock("x");
    [
        MongoBackend::connect(&fake.uri, DATABASE).await.map(drop).expect_err("refused"),
        lock.try_acquire().await.map(drop).expect_err("refused"),
    ]
}

/// How each is recognised is a unit test of `shylock-mongo`.
#[tokio::test]
async fn relatives_that_cannot_hold_locks_are_refused_by_name() {
    let ferret = |command: &str| {
        let build = doc! { "version": "7.0.42", "ferretdbVersion": "v1.24.0", "ok": 1.0 };
        (command == "buildinfo").then_some(build)
    };
    let old = |command: &str| (command == "buildinfo").then(|| doc! { "version": "4.2.24", "ok": 1.0 });
    let gateway = hello(doc! { "msg": "isdbgrid", "internal": { "documentdb_versions": ["0.108-0"] } });
    let ancient = hello(doc! { "maxWireVersion": 7 });
    for (fake, name) in [
        (Fake::answering(ferret).await, "FerretDB 1.24.0 cannot hold locks"),
        (Fake::answering(gateway).await, "DocumentDB (also as Azure DocumentDB) cannot hold locks"),
        (Fake::answering(old).await, "MongoDB 4.2.24 cannot hold locks"),
        (Fake::answering(ancient).await, "MongoDB before 4.4 cannot hold locks"),
    ] {
        for error in refused(&fake).await {
            assert_plain(&error);
            assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
            let source = std::error::Error::source(&error).expect("why").to_string();
            assert!(source.contains(name), "{source}");
        }
    }
}

/// Servers that do not say who they are, and refuse what a lock takes.
#[tokio::test]
async fn a_refusal_of_what_locks_take_is_explained() {
    for (command, code, message, says) in [
        ("update", 2, "cannot use 'j' option when a host does not have journaling enabled", "keeps no journal"),
        ("update", 9, "Failed to parse update: field must be of BSON type object", "cannot hold locks"),
        ("update", 17276, "Use of undefined variable: NOW", "cannot hold locks"),
        ("findandmodify", 9, "The $$NOW operator cannot be used within this specific context.", "cannot hold locks"),
    ] {
        let refusal = doc! { "ok": 0.0, "code": code, "codeName": "x", "errmsg": message };
        let fake = Fake::answering(move |sent| (sent == command).then(|| refusal.clone())).await;
        let error = match MongoBackend::connect(&fake.uri, DATABASE).await {
            Ok(backend) => LockManager::new(backend).lock("x").acquire().await.map(drop).expect_err("refused"),
            Err(error) => error,
        };
        assert_plain(&error);
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        let source = std::error::Error::source(&error).expect("why").to_string();
        assert!(source.contains(says) && source.contains(message), "{source}");
    }
}

#[tokio::test]
async fn a_count_that_is_none_is_an_unknown_outcome() {
    for count in [None, Some(Bson::Double(1.0)), Some(Bson::Null), Some("1".into()), Some((-1).into())] {
        let mut reply = doc! { "ok": 1.0 };
        if let Some(count) = count.clone() {
            reply.extend(doc! { "n": count.clone(), "nModified": count });
        }
        let fake = Fake::answering(move |command| (command == "update").then(|| reply.clone())).await;
        let backend = MongoBackend::connect(&fake.uri, DATABASE).await.expect("connected");
        let released = backend.release(&[lease()]).await.expect_err("nobody knows");
        assert_eq!(*released.failure(), Failure::Ambiguous, "{count:?}");
        let renewal = Renewal { lease: lease(), ttl: Duration::from_secs(30) };
        let renewed = backend.renew(&[renewal]).await.expect_err("nobody knows");
        assert_eq!(*renewed.failure(), Failure::Ambiguous, "{count:?}");
    }
}

#[tokio::test]
async fn an_error_without_a_code_is_readable_and_passes() {
    let fake = Fake::answering(|command| {
        (command == "findandmodify").then(|| doc! { "ok": 0.0, "errmsg": "the shard is resting" })
    })
    .await;
    let manager = LockManager::new(MongoBackend::connect(&fake.uri, DATABASE).await.expect("connected"));
    let error = manager.lock("x").acquire_timeout(Duration::from_millis(300)).await.map(drop).expect_err("always");
    assert_plain(&error);
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    let source = std::error::Error::source(&error).expect("why").to_string();
    assert_eq!(source, "error without a code: the shard is resting");
}

/// Atlas's proxies refuse under a code of their own.
#[tokio::test]
async fn a_right_that_atlas_denies_is_a_missing_one() {
    let denied = |action: &str| {
        let message = format!("user is not allowed to do action [{action}] on [a.b]");
        doc! { "ok": 0.0, "code": 8000, "codeName": "AtlasError", "errmsg": message }
    };
    let fake = Fake::answering(move |command| {
        let refused = ["listcollections", "listindexes", "createindexes", "findandmodify"];
        refused.contains(&command).then(|| denied(command))
    })
    .await;
    let since = Instant::now();
    let backend = MongoBackend::connect(&fake.uri, DATABASE).await.expect("that right is not needed");
    let error = LockManager::new(backend).lock("x").acquire().await.map(drop).expect_err("this one is");
    assert_plain(&error);
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
}

/// Looks change nothing, so that a lost answer is no unknown outcome.
#[tokio::test]
async fn a_look_is_never_an_unknown_outcome() {
    for reply in [
        doc! { "ok": 0.0, "errmsg": "no code" },
        doc! { "ok": 0.0, "code": 11601, "errmsg": "interrupted" },
        doc! { "ok": 1.0, "cursor": { "firstBatch": [{ "record": 1 }], "id": 0_i64, "ns": "a.b" } },
    ] {
        let fake = Fake::answering(move |command| (command == "find").then(|| reply.clone())).await;
        let backend = MongoBackend::connect(&fake.uri, DATABASE).await.expect("connected");
        let name = LockName::new("x").expect("a name");
        let inspected = backend.inspect(&name).await.expect_err("no answer");
        assert_eq!(*inspected.failure(), Failure::NotApplied);
        let query = shylock_core::ListQuery { prefix: String::new(), after: None, limit: 10 };
        let listed = backend.list(&query).await.map_err(|error| error.failure().clone());
        assert!(matches!(listed, Ok(_) | Err(Failure::NotApplied)), "{listed:?}");
    }
}

/// A storage engine that keeps nothing on a disk, and so has no journal.
#[tokio::test]
async fn a_server_without_a_journal_is_refused() {
    let mongo = Mongo::start_with(&[Flag::Text("--storageEngine=ephemeralForTest")], "w=1").await;
    let error = MongoBackend::connect(mongo.uri(), DATABASE).await.expect_err("a crash would forget locks");
    assert_plain(&error);
    let client = mongo.client().await;
    let lock = LockManager::new(MongoBackend::new(client.database(DATABASE))).lock("x");
    for error in [error, lock.acquire().await.map(drop).expect_err("the same")] {
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        let source = std::error::Error::source(&error).expect("why").to_string();
        assert!(source.contains("keeps no journal") && source.contains("start it with journaling"), "{source}");
    }
}
