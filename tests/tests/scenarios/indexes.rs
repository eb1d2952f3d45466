//! The indexes: no call waits for them, members that are down do not hinder them, and what lists reads no idle record.

use std::time::{Duration, Instant};

use mongodb::{
    Client, Database,
    bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype},
};
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::{Kind, Mongo, Source};

use crate::setup::wait_for_indexes;

const DATABASE: &str = "shylock_indexes";
const COLLECTION: &str = "shylock_locks";

async fn fail_point(admin: &Database, name: &str, on: bool) {
    let mode = if on { "alwaysOn" } else { "off" };
    admin.run_command(doc! { "configureFailPoint": name, "mode": mode }).await.expect("test servers take fail points");
}

/// The member with this address, and no other.
async fn member(host: &str) -> Database {
    let client = Client::with_uri_str(format!("mongodb://{host}/?directConnection=true")).await.expect("an address");
    client.database("admin")
}

/// A collection that has records already: an empty one gets its indexes without asking the members.
async fn set_with_records() -> (Mongo, Client, Vec<Database>) {
    let mongo = Mongo::start(Kind::ReplicaSet(3), Source::chosen().await).await;
    let client = mongo.client().await;
    let records = client.database(DATABASE).collection::<Document>(COLLECTION);
    records.insert_one(idle("there", 1)).await.expect("written");
    let hello = client.database("admin").run_command(doc! { "hello": 1 }).await.expect("answered");
    let primary = hello.get_str("primary").expect("a primary").to_owned();
    let mut secondaries = Vec::new();
    for host in mongo.hosts().split(',').filter(|host| *host != primary) {
        let secondary = member(host).await;
        // A member that copies from one that stands still would stand still, too.
        while source(&secondary).await.as_deref() != Some(&primary) {
            secondary.run_command(doc! { "replSetSyncFrom": &primary }).await.expect("it may copy from the primary");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        secondaries.push(secondary);
    }
    (mongo, client, secondaries)
}

/// The member that a secondary copies from.
async fn source(secondary: &Database) -> Option<String> {
    let status = secondary.run_command(doc! { "replSetGetStatus": 1 }).await.expect("answered");
    status.get_str("syncSourceHost").ok().map(str::to_owned)
}

fn idle(name: &str, token: i64) -> Document {
    let now = DateTime::now();
    doc! {
        "_id": name, "owner": Bson::Null, "token": token, "leaseMs": 30_000_i64, "acquiredAt": now,
        "expiresAt": DateTime::from_millis(0), "host": "h", "pid": 1_i64, "note": Bson::Null,
        "purgeAt": DateTime::from_millis(now.timestamp_millis() + 86_400_000),
    }
}

/// How many index builds the server has under way or waiting.
async fn builds(client: &Client) -> usize {
    let building = doc! { "currentOp": 1, "command.createIndexes": COLLECTION };
    let found = client.database("admin").run_command(building).await.expect("answered");
    found.get_array("inprog").expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_down_hinders_nobody() {
    let (mongo, client, secondaries) = set_with_records().await;
    fail_point(&secondaries[0], "rsSyncApplyStop", true).await;
    let since = Instant::now();
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    let guard = manager.lock("x").acquire().await.expect("granted");
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    wait_for_indexes(&client.database(DATABASE), COLLECTION).await;
    assert_eq!(builds(&client).await, 0);
    guard.release().await.expect("released");
    fail_point(&secondaries[0], "rsSyncApplyStop", false).await;
}

/// Without a majority no lock is granted, and no build comes to an end: they do not pile up.
#[tokio::test(flavor = "multi_thread")]
async fn builds_without_a_majority_do_not_pile_up() {
    let (mongo, client, secondaries) = set_with_records().await;
    for secondary in &secondaries {
        fail_point(secondary, "rsSyncApplyStop", true).await;
    }
    let mut backends = Vec::new();
    for _ in 0..8 {
        let since = Instant::now();
        backends.push(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        // The first one's build is there before the others ask.
        while builds(&client).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(builds(&client).await, 1, "the first, and nobody waits for it");
    for secondary in &secondaries {
        fail_point(secondary, "rsSyncApplyStop", false).await;
    }
    wait_for_indexes(&client.database(DATABASE), COLLECTION).await;
}

/// What a collection has been asked for since the server was started.
async fn scanned(client: &Client) -> i64 {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.expect("answered");
    let executor = status.get_document("metrics").and_then(|metrics| metrics.get_document("queryExecutor"));
    let executor = executor.expect("numbers");
    let number = |field: &str| executor.get(field).and_then(|n| n.as_i64().or(n.as_i32().map(i64::from))).expect(field);
    number("scanned") + number("scannedObjects")
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_reads_no_idle_record() {
    const IDLE: usize = 5_000;
    let mongo = Mongo::start(Kind::Standalone, Source::chosen().await).await;
    let client = mongo.client().await;
    let records = client.database(DATABASE).collection::<Document>(COLLECTION);
    let all = (0..IDLE).map(|number| idle(&format!("job-{number:05}"), 1));
    records.insert_many(all).await.expect("written");
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    let names = ["job-00007", "job-04999", "job-1", "other"];
    let mut guards = Vec::new();
    for name in names {
        guards.push(manager.lock(name).acquire().await.expect("granted"));
    }
    // A holder that died: its lease has ended, and nobody has released it.
    let mut dead = idle("job-00100", 1);
    dead.insert("owner", Binary { subtype: BinarySubtype::Generic, bytes: vec![7; 16] });
    dead.insert("expiresAt", DateTime::from_millis(1));
    records.replace_one(doc! { "_id": "job-00100" }, dead).await.expect("written");
    wait_for_indexes(&client.database(DATABASE), COLLECTION).await;

    for (prefix, expected) in
        [("", &names[..]), ("job-", &names[..3]), ("job-0", &names[..2]), ("job-00007", &names[..1])]
    {
        let before = scanned(&client).await;
        let listed = manager.list(prefix).await.expect("the store answers");
        let read = scanned(&client).await - before;
        let listed: Vec<&str> = listed.iter().map(|info| info.name.as_str()).collect();
        assert_eq!(listed, expected, "{prefix:?}, in the order of bytes");
        assert!(read < 100, "{prefix:?}: {read} keys and records were read");
    }
    // Without the index, the answer is the same.
    let dropped = doc! { "dropIndexes": COLLECTION, "index": "live_leases" };
    client.database(DATABASE).run_command(dropped).await.expect("dropped");
    let listed = manager.list("job-").await.expect("the store answers");
    assert_eq!(listed.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), names[..3]);
    for guard in guards {
        guard.release().await.expect("released");
    }
    assert!(manager.list("").await.expect("the store answers").is_empty());
}
