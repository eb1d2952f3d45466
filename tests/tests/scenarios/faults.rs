//! Failures that the server makes on request (`failCommand`), and a step-down: the outcome is found out.

use std::time::{Duration, Instant};

use mongodb::{
    Client, Database,
    bson::{Document, doc},
};
use shylock_mongo::LockManager;
use shylock_tests::{Kind, Mongo, Source, Stopwatch};

use crate::fresh;

/// A replica set of the test's own, since a failure hits all commands of that name.
async fn own_server() -> (Mongo, LockManager, Database) {
    let mongo = Mongo::start(Kind::ReplicaSet(1), Source::chosen().await).await;
    let manager = crate::manager(&mongo).await;
    let admin = mongo.client().await.database("admin");
    (mongo, manager, admin)
}

async fn fail(admin: &Database, times: i32, command: &str, how: Document) {
    let mut data = doc! { "failCommands": [command], "appName": "shylock" };
    data.extend(how);
    let fail = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": data };
    admin.run_command(fail).await.expect("the test server takes failpoints");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_request_is_found_out() {
    let (mongo, manager, admin) = own_server().await;
    let not_replicated = doc! { "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } };
    let stepping_down = doc! { "writeConcernError": { "code": 11602, "errmsg": "interrupted by an election" } };
    let refused = doc! { "errorCode": 11600 };
    let closed = doc! { "closeConnection": true };
    for (number, how) in [not_replicated, stepping_down, refused, closed].into_iter().enumerate() {
        let lock = manager.lock(fresh("found_out")).with_note(format!("fault {number}"));
        fail(&admin, 1, "findAndModify", how.clone()).await;
        let guard = lock.acquire_timeout(Duration::from_secs(20)).await.unwrap_or_else(|e| panic!("{how}: {e:?}"));
        let info = manager.inspect(lock.name()).await.expect("the store answers").expect("held");
        assert_eq!(info.token, guard.token(), "{how}");

        fail(&admin, 1, "update", how.clone()).await;
        let renewed = guard.renew().await;
        assert!(guard.is_held(), "{how}: one failed renewal is no loss: {renewed:?}");
        fail(&admin, 1, "update", how.clone()).await;
        guard.release().await.unwrap_or_else(|e| panic!("{how}: {e:?}"));
        assert_eq!(manager.inspect(lock.name()).await.expect("the store answers"), None, "{how}");
    }
    drop(mongo);
}

/// As Cosmos DB does it; how its wish is read from the message is a unit test of `shylock-mongo`.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_out_within_the_deadline() {
    let (_mongo, manager, admin) = own_server().await;
    let lock = manager.lock(fresh("rate"));
    fail(&admin, 3, "findAndModify", doc! { "errorCode": 16500 }).await;
    let since = Instant::now();
    let guard = lock.acquire_timeout(Duration::from_secs(20)).await.expect("granted in the end");
    assert!(since.elapsed() >= Duration::from_millis(750), "three times 250 ms, not {:?}", since.elapsed());
    guard.release().await.expect("released");

    fail(&admin, 1000, "findAndModify", doc! { "errorCode": 16500 }).await;
    let watch = Stopwatch::start();
    let error = lock.acquire_timeout(Duration::from_secs(1)).await.expect_err("refused all the time");
    let took = watch.took();
    assert!(took < Duration::from_millis(1050), "{took:?}");
    assert!(matches!(error, shylock_mongo::Error::Backend { retryable: true, .. }), "{error:?}");
    let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    admin.run_command(off).await.expect("switched off");
}

/// A lease survives a fail-over of three nodes, and the next acquisition has a larger token.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_survives_a_step_down() {
    let mongo = Mongo::start(Kind::ReplicaSet(3), Source::chosen().await).await;
    let manager = crate::manager(&mongo).await;
    let lock = manager.lock(fresh("step_down"));
    let guard = lock.acquire().await.expect("granted");
    let admin = Client::with_uri_str(mongo.uri()).await.expect("an address").database("admin");
    let primary = |hello: Document| hello.get_str("me").map(str::to_owned).expect("a member's name");
    let before = primary(admin.run_command(doc! { "hello": 1 }).await.expect("a primary"));
    admin.run_command(doc! { "replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 10 }).await.expect("stepped down");

    let deadline = Instant::now() + Duration::from_secs(25);
    while let Err(error) = guard.renew().await {
        guard.ensure_held().unwrap_or_else(|lost| panic!("{lost}, after {error:?}"));
        assert!(Instant::now() < deadline, "no renewal after the step-down: {error:?}");
    }
    let after = primary(admin.run_command(doc! { "hello": 1 }).await.expect("a primary"));
    assert_ne!(before, after, "there was a fail-over");
    let token = guard.token();
    guard.release().await.expect("released");
    let next = lock.acquire_timeout(Duration::from_secs(20)).await.expect("granted");
    assert!(next.token() > token);
    next.release().await.expect("released");
}
