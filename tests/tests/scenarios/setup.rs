//! What is made and checked at the start, and what is done with collections that cannot hold locks.

use std::time::Duration;

use mongodb::{
    Database,
    bson::{Bson, DateTime, Document, doc},
};
use shylock_mongo::{Error, IndexMode, LockManager, MongoBackend};
use shylock_tests::Mongo;
use tokio::time::timeout;

use crate::fresh;

const DATABASE: &str = "shylock_setup";

async fn database(mongo: &Mongo) -> Database {
    mongo.client().await.database(DATABASE)
}

/// Those that are ready.
async fn indexes(database: &Database, collection: &str) -> Vec<Document> {
    let found = database.run_command(doc! { "listIndexes": collection, "includeBuildUUIDs": true }).await;
    let Ok(found) = found else { return Vec::new() };
    let batch = found.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).expect("a batch");
    batch.iter().filter_map(|index| index.as_document().cloned()).filter(|index| index.contains_key("key")).collect()
}

/// Both of ours and that of `_id`: they are made in the background.
pub(crate) async fn wait_for_indexes(database: &Database, collection: &str) -> Vec<Document> {
    let made = async {
        loop {
            let indexes = indexes(database, collection).await;
            if indexes.len() >= 3 {
                return indexes;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), made).await.expect("the indexes are made")
}

#[tokio::test]
async fn the_indexes_are_made_once_by_many() {
    let mongo = Mongo::standalone().await;
    let collection = fresh("indexed");
    let connect = || MongoBackend::builder().collection(&collection).connect(mongo.uri(), DATABASE);
    let all = tokio::join!(connect(), connect(), connect(), connect());
    let _backends = [all.0, all.1, all.2, all.3].map(|backend| backend.expect("connected"));
    let indexes = wait_for_indexes(&database(&mongo).await, &collection).await;
    assert_eq!(indexes.len(), 3, "that of `_id`, and ours: {indexes:?}");
    let named = |name: &str| indexes.iter().find(|index| index.get_str("name").is_ok_and(|n| n == name)).expect(name);
    let (purge, live) = (named("purgeAt_1"), named("live_leases"));
    assert_eq!(purge.get("key"), Some(&doc! { "purgeAt": 1 }.into()));
    assert_eq!(purge.get("expireAfterSeconds"), Some(&Bson::Int32(0)));
    assert_eq!(live.get("key"), Some(&doc! { "_id": 1, "leaseMs": 1 }.into()));
    assert_eq!(live.get("partialFilterExpression"), Some(&doc! { "owner": { "$type": "binData" } }.into()));
}

#[tokio::test]
async fn indexes_can_be_left_alone_and_a_foreign_one_is_no_failure() {
    let mongo = Mongo::standalone().await;
    let database = database(&mongo).await;
    let skipped = fresh("skipped");
    let skipping = MongoBackend::builder().collection(&skipped).index(IndexMode::Skip);
    let backend = skipping.connect(mongo.uri(), DATABASE).await.expect("connected");
    let guard = LockManager::new(backend).lock("x").acquire().await.expect("granted");

    let collection = fresh("foreign_index");
    let foreign = doc! { "key": { "purgeAt": 1 }, "name": "theirs" };
    database.run_command(doc! { "createIndexes": &collection, "indexes": [foreign] }).await.expect("made");
    let backend = MongoBackend::builder().collection(&collection).connect(mongo.uri(), DATABASE).await;
    let other = LockManager::new(backend.expect("connected")).lock("x").acquire().await.expect("granted");
    let there = wait_for_indexes(&database, &collection).await;
    let names: Vec<_> = there.iter().filter_map(|index| index.get_str("name").ok()).collect();
    assert_eq!(names, ["_id_", "theirs", "live_leases"], "the operator's stays, and the other is made all the same");
    assert_eq!(indexes(&database, &skipped).await.len(), 1);
    guard.release().await.expect("released");
    other.release().await.expect("released");
}

#[tokio::test]
async fn collections_that_cannot_hold_locks_are_refused() {
    let mongo = Mongo::standalone().await;
    let database = database(&mongo).await;
    database.create_collection("plain").await.ok();
    let mut unfit = vec![
        ("has a collation", doc! { "collation": { "locale": "en", "strength": 1 } }),
        ("is capped", doc! { "capped": true, "size": 4096 }),
        ("is a view", doc! { "viewOn": "plain", "pipeline": [] }),
    ];
    if mongo.is_at_least(5, 0) {
        unfit.push(("is a time series", doc! { "timeseries": { "timeField": "t" } }));
    }
    for (what, options) in unfit {
        let collection = fresh("unfit");
        let mut create = doc! { "create": &collection };
        create.extend(options);
        database.run_command(create).await.expect("made");
        let error = MongoBackend::builder().collection(&collection).connect(mongo.uri(), DATABASE).await;
        let error = error.expect_err("refused");
        let Error::InvalidOption { option: "collection", reason } = &error else { panic!("{error:?}") };
        assert!(reason.contains(what) && reason.contains(&collection), "{reason}");
        // A client of the user's finds out with the first call.
        let backend = MongoBackend::builder().collection(&collection).with_database(database.clone());
        let error = LockManager::new(backend.expect("valid")).lock("x").acquire().await.expect_err("refused");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert!(std::error::Error::source(&error).expect("why").to_string().contains(what));
    }
}

/// The server's own clean-up removes an idle record, and the token grows on; a held one it leaves alone.
#[tokio::test]
async fn the_servers_clean_up_removes_idle_records_and_the_token_grows_on() {
    let mongo = Mongo::standalone().await;
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    let records = database(&mongo).await.collection::<Document>("shylock_locks");
    let (idle, held) = (fresh("idle"), fresh("held"));
    let guard = manager.lock(&held).with_ttl(Duration::from_secs(24 * 3600)).acquire().await.expect("granted");
    let info = manager.lock(&idle).acquire().await.expect("granted");
    let token = info.token();
    info.release().await.expect("released");

    let purge = |record: &str| doc! { "_id": record };
    let of_held = records.find_one(purge(&held)).await.expect("read").expect("there");
    let (ends, purged) = (of_held.get_datetime("expiresAt"), of_held.get_datetime("purgeAt"));
    assert!(purged.expect("a date") > ends.expect("a date"), "no clean-up before the lease has ended");

    // A day passes for the idle one.
    let past = doc! { "$set": { "purgeAt": DateTime::from_millis(1) } };
    records.update_one(purge(&idle), past).await.expect("written");
    let removed = async {
        while records.find_one(purge(&idle)).await.expect("read").is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(90), removed).await.expect("the server cleans up every minute at least");
    let next = manager.lock(&idle).acquire().await.expect("granted");
    assert!(next.token() > token);
    next.release().await.expect("released");
    guard.release().await.expect("released");
}
