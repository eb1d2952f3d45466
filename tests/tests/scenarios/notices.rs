//! P11 and P12: who waits is told by a change stream, whatever happens to it.
//!
//! The waiters here would not look by themselves before minutes have passed, so that only a notice, or the end of their
//! stream, can be what wakes them.

use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use shylock_mongo::{AsyncLockGuard, LockManager, MongoBackend};
use shylock_tests::{Kind, Mongo, Source};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{fresh, manager, proxy::Proxy};

const MINUTES: Duration = Duration::from_secs(600);
/// A notice takes milliseconds; this is for a busy machine.
const SOON: Duration = Duration::from_secs(5);

async fn patient(uri: impl AsRef<str>) -> LockManager {
    let backend = MongoBackend::connect(uri, "shylock_scenarios").await.expect("connected");
    LockManager::builder(backend).poll_limits(MINUTES, MINUTES).build().expect("valid")
}

async fn held(manager: &LockManager, name: &str) -> AsyncLockGuard {
    manager.lock(name).with_ttl(MINUTES).acquire().await.expect("granted")
}

fn waiting(manager: &LockManager, name: &str) -> JoinHandle<Instant> {
    let lock = manager.lock(name);
    tokio::spawn(async move {
        let guard = lock.acquire().await.expect("granted");
        let since = Instant::now();
        guard.release().await.expect("released");
        since
    })
}

/// Releases it, and tells how long the waiter took to get it.
async fn hand_over(guard: AsyncLockGuard, waiter: JoinHandle<Instant>, within: Duration) {
    let released = Instant::now();
    guard.release().await.expect("released");
    let got_it = timeout(within, waiter).await.expect("told in time").expect("no panic");
    println!("{:?} after the release", got_it - released);
}

/// The cursors of the change streams of our clients, by their numbers.
async fn streams(mongo: &Mongo) -> Vec<i64> {
    let all = doc! { "$currentOp": { "allUsers": true, "idleCursors": true } };
    let ours = doc! { "$match": { "cursor.originatingCommand.pipeline.0.$changeStream": { "$exists": true } } };
    let admin = mongo.client().await.database("admin");
    let reply = admin.run_command(doc! { "aggregate": 1, "pipeline": [all, ours], "cursor": {} }).await;
    let reply = reply.expect("the server tells");
    let found = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).expect("a batch");
    let number = |found: &Bson| found.as_document()?.get_document("cursor").ok()?.get_i64("cursorId").ok();
    found.iter().filter_map(number).collect()
}

/// Waits until there is this number of streams, and tells their cursors.
async fn until_there_are(mongo: &Mongo, number: usize) -> Vec<i64> {
    let since = Instant::now();
    loop {
        let found = streams(mongo).await;
        if found.len() == number {
            return found;
        }
        assert!(since.elapsed() < 10 * SOON, "{number} streams, not {found:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn own_server() -> Mongo {
    Mongo::start(Kind::ReplicaSet(1), Source::chosen().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_waiters_of_two_managers_on_one_backend_share_one_stream() {
    let mongo = own_server().await;
    let other = manager(&mongo).await;
    let backend = MongoBackend::connect(mongo.uri(), "shylock_scenarios").await.expect("connected");
    let here = [backend.clone(), backend]
        .map(|backend| LockManager::builder(backend).poll_limits(MINUTES, MINUTES).build().expect("valid"));
    let mut all = Vec::new();
    for number in 0..100 {
        let name = fresh("shared");
        let guard = held(&other, &name).await;
        all.push((guard, waiting(&here[number % 2], &name)));
    }
    until_there_are(&mongo, 1).await;
    for (guard, waiter) in all {
        hand_over(guard, waiter, SOON).await;
    }
    drop(here);
    until_there_are(&mongo, 0).await;
}

/// The stream is killed on the server, its connection is closed, its resume point is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_is_replaced() {
    let mongo = own_server().await;
    let other = manager(&mongo).await;
    let here = patient(mongo.uri()).await;
    let admin = mongo.client().await.database("admin");
    let fail = |how: Document| {
        let mut data = doc! { "failCommands": ["getMore"], "appName": "shylock" };
        data.extend(how);
        admin.run_command(doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": data })
    };
    for (what, how) in [
        ("closed connection", Some(doc! { "closeConnection": true })),
        ("lost resume point", Some(doc! { "errorCode": 286 })),
        ("killed query plan", Some(doc! { "errorCode": 175 })),
        ("killed cursor", None),
    ] {
        println!("{what}");
        let name = fresh("broken");
        let guard = held(&other, &name).await;
        let waiter = waiting(&here, &name);
        let cursors = until_there_are(&mongo, 1).await;
        match how {
            Some(how) => drop(fail(how).await.expect("the test server takes failpoints")),
            None => {
                let kill = doc! { "killCursors": "shylock_locks", "cursors": cursors.clone() };
                let killed = mongo.client().await.database("shylock_scenarios").run_command(kill).await;
                let killed = killed.expect("killed");
                assert_eq!(killed.get_array("cursorsKilled").map_or(0, Vec::len), 1, "{killed}");
            }
        }
        let since = Instant::now();
        while streams(&mongo).await.is_empty() || streams(&mongo).await == cursors {
            assert!(since.elapsed() < 4 * SOON, "{what}: no other stream");
            sleep(Duration::from_millis(20)).await;
        }
        hand_over(guard, waiter, SOON).await;
    }
}

/// The network swallows all answers: nobody tells that the stream is dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_silent_is_not_a_live_one() {
    let mongo = own_server().await;
    let proxy = Proxy::before(mongo.hosts()).await;
    let other = manager(&mongo).await;
    let here = patient(format!("mongodb://{}/?directConnection=true", proxy.address)).await;
    let name = fresh("silent");
    let guard = held(&other, &name).await;
    let waiter = waiting(&here, &name);
    until_there_are(&mongo, 1).await;
    proxy.fall_silent(true);
    guard.release().await.expect("released");
    sleep(Duration::from_secs(8)).await;
    assert!(!waiter.is_finished(), "nothing comes through");
    proxy.fall_silent(false);
    timeout(6 * SOON, waiter).await.expect("it looked for itself").expect("no panic");
}

/// A hundred wait while the primary steps down, and each gets the lock once.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_waiters_survive_a_step_down() {
    let mongo = Mongo::start(Kind::ReplicaSet(3), Source::chosen().await).await;
    let (other, here) = (manager(&mongo).await, manager(&mongo).await);
    let name = fresh("step_down");
    let guard = other.lock(&name).acquire().await.expect("granted");
    let first = guard.token();
    let mut waiters = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let lock = here.lock(&name);
        waiters.spawn(async move {
            let guard = lock.acquire().await.expect("granted");
            let token = guard.token();
            drop(guard);
            token
        });
    }
    until_there_are(&mongo, 1).await;
    let admin = mongo.client().await.database("admin");
    admin.run_command(doc! { "replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 10 }).await.expect("stepped down");
    let since = Instant::now();
    guard.release().await.expect("released");
    let mut tokens = timeout(Duration::from_secs(60), waiters.join_all()).await.expect("all in time");
    println!("{:?} from the step-down to the last of them", since.elapsed());
    tokens.push(first);
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!((tokens.len(), tokens[0]), (101, first), "each has a token of its own, all after the first");
}
