//! Error codes of a real server: those that pass end no wait, neither of an acquisition nor of `connect`.

use std::time::{Duration, Instant};

use mongodb::{
    Database,
    bson::{Document, doc},
};
use shylock_mongo::{Error, LockManager, MongoBackend};
use shylock_tests::{Kind, Mongo, Source, Stopwatch};

use crate::{fresh, setup::wait_for_indexes};

const DATABASE: &str = "shylock_codes";

/// A server of the test's own, since a fail point hits all commands of that name.
async fn own_server() -> (Mongo, Database) {
    let mongo = Mongo::start(Kind::ReplicaSet(1), Source::chosen().await).await;
    let admin = mongo.client().await.database("admin");
    (mongo, admin)
}

async fn fail(admin: &Database, mode: impl Into<mongodb::bson::Bson>, commands: &[&str], how: Document) {
    let mut data = doc! { "failCommands": commands.to_vec(), "appName": "shylock" };
    data.extend(how);
    let fail = doc! { "configureFailPoint": "failCommand", "mode": mode.into(), "data": data };
    admin.run_command(fail).await.expect("the test server takes fail points");
}

fn times(times: i32) -> Document {
    doc! { "times": times }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_pass_end_no_acquisition() {
    let (mongo, admin) = own_server().await;
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    // Overload, a plan that a drop or a rename has killed, others of the published list, and one that nobody knows.
    for code in
        [462, 433, 449, 175, 46, 94, 96, 117, 150, 211, 13388, 249, 189, 91, 384, 10058, 26, 1, 8, 8000, 7_654_321]
    {
        fail(&admin, times(1), &["findAndModify"], doc! { "errorCode": code }).await;
        let lock = manager.lock(fresh("passes"));
        let guard = lock.acquire_timeout(Duration::from_secs(10)).await;
        guard.unwrap_or_else(|error| panic!("{code}: {error:?}")).release().await.expect("released");
    }
    // The labels know better than any code.
    for labels in [vec!["SystemOverloadedError", "RetryableError"], vec!["RetryableError"], vec!["RetryableWriteError"]]
    {
        let how = doc! { "errorCode": 72, "errorLabels": labels.clone() };
        // The driver itself repeats an overloaded command twice.
        fail(&admin, times(4), &["findAndModify"], how).await;
        let lock = manager.lock(fresh("labelled"));
        let guard = lock.acquire_timeout(Duration::from_secs(10)).await;
        guard.unwrap_or_else(|error| panic!("{labels:?}: {error:?}")).release().await.expect("released");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_do_not_pass_end_it_at_once() {
    let (mongo, admin) = own_server().await;
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    for code in [13, 18, 9, 72, 115, 224, 238, 323] {
        fail(&admin, times(1), &["findAndModify"], doc! { "errorCode": code }).await;
        let refused = manager.lock(fresh("refused")).acquire().await.map(drop);
        let Err(error) = refused else { panic!("{code} was granted") };
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{code}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_waits_out_what_passes() {
    let (mongo, admin) = own_server().await;
    let database = mongo.client().await.database(DATABASE);
    for code in [13435, 16500, 462, 11600, 7_654_321] {
        for command in ["listCollections", "createIndexes", "listIndexes", "buildInfo", "update"] {
            fail(&admin, times(2), &[command], doc! { "errorCode": code }).await;
            let collection = fresh("connecting");
            let connected = MongoBackend::builder().collection(&collection).connect(mongo.uri(), DATABASE).await;
            let backend = connected.unwrap_or_else(|error| panic!("{command} {code}: {error:?}"));
            fail(&admin, "off", &[command], doc! {}).await;
            let manager = LockManager::new(backend);
            manager.lock("x").acquire().await.expect("granted").release().await.expect("released");
            wait_for_indexes(&database, &collection).await;
        }
    }
}

/// For as long as for a server that is not there, or as the address says.
#[tokio::test(flavor = "multi_thread")]
async fn connecting_ends_in_its_time_if_it_does_not_pass() {
    let (mongo, admin) = own_server().await;
    for (options, limit) in
        [("", Duration::from_secs(3)), ("&serverSelectionTimeoutMS=700", Duration::from_millis(700))]
    {
        fail(&admin, "alwaysOn", &["listCollections"], doc! { "errorCode": 13435 }).await;
        let (since, watch) = (Instant::now(), Stopwatch::start());
        let error = MongoBackend::connect(format!("{}{options}", mongo.uri()), DATABASE).await.expect_err("always");
        let (least, most) = (since.elapsed(), watch.took());
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
        assert!(least >= limit, "{limit:?}: {least:?}");
        assert!(most < limit + Duration::from_millis(500), "{limit:?}: {most:?}");
        // What is good to know, and no more, ends nothing.
        for code in [8000, 13, 59] {
            fail(&admin, "alwaysOn", &["listCollections"], doc! { "errorCode": code }).await;
            let since = Instant::now();
            MongoBackend::connect(mongo.uri(), DATABASE).await.unwrap_or_else(|error| panic!("{code}: {error:?}"));
            assert!(since.elapsed() < Duration::from_secs(2), "{code}: {:?}", since.elapsed());
        }
    }
}

/// As on 4.4 with `enableMajorityReadConcern=false`.
#[tokio::test(flavor = "multi_thread")]
async fn looks_do_without_majority_reads_where_there_are_none() {
    let (mongo, admin) = own_server().await;
    let manager = LockManager::new(MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected"));
    let name = fresh("local");
    let guard = manager.lock(&name).acquire().await.expect("granted");
    fail(&admin, times(1), &["find"], doc! { "errorCode": 148 }).await;
    let info = manager.inspect(&name).await.expect("the store answers").expect("held");
    assert_eq!(info.token, guard.token());
    let listed = manager.list(&name).await.expect("the store answers");
    assert_eq!(listed.len(), 1);
    guard.release().await.expect("released");
}
