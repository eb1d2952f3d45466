//! Several processes and one lock: what the library is for.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use rustix::process::Signal;
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::Mongo;
use tokio::time::timeout;

use crate::{fresh, manager, worker::Worker};

const TIMES: i64 = 5000;
const TTL: Duration = Duration::from_secs(2);
/// Twice the skew allowance of a replica set, the longest pause of a waiter, and time for a busy machine.
const AFTER_TTL: Duration = Duration::from_millis(500 + 1000 + 1500);

/// Two processes increment a counter that often each; the count in the end.
async fn count_together(how: &str) -> i64 {
    let mongo = Mongo::replica_set(1).await;
    let name = fresh("counter");
    let counters = mongo.client().await.database("shylock_scenarios").collection::<Document>("counters");
    counters.insert_one(doc! { "_id": &name, "count": 0_i64 }).await.expect("written");
    let start = || Worker::start(&["count", &mongo.uri(), &name, &TIMES.to_string(), how]);
    let both = [start(), start()];
    let wait = tokio::task::spawn_blocking(move || both.iter().for_each(|worker| assert_eq!(worker.says(), "done")));
    wait.await.expect("both are done");
    counters.find_one(doc! { "_id": &name }).await.expect("read").expect("there").get_i64("count").expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_no_increment_under_the_lock() {
    assert_eq!(count_together("locked").await, 2 * TIMES);
}

/// The control: without the lock the same programs lose some, so that the test above can fail.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_increments_without_the_lock() {
    let counted = count_together("unlocked").await;
    assert!((TIMES..2 * TIMES).contains(&counted), "{counted}");
}

/// Another process gets its turn, again and again, from one whose tasks pass the lock around without a pause: one that
/// is told of releases, and one that polls.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_not_starved() {
    let mongo = Mongo::replica_set(1).await;
    for (tasks, told) in [("1", true), ("8", true), ("2", false), ("8", false)] {
        let name = fresh("starving");
        let busy = Worker::start(&["hammer", &mongo.uri(), &name, tasks]);
        assert_eq!(busy.says(), "busy");
        let backend = MongoBackend::builder().change_stream(told).connect(mongo.uri(), "shylock_scenarios").await;
        let lock = LockManager::new(backend.expect("connected")).lock(&name);
        let mut waits = Vec::new();
        for _ in 0..20 {
            let since = Instant::now();
            lock.acquire_timeout(Duration::from_secs(60)).await.expect("its turn").release().await.expect("released");
            waits.push(since.elapsed());
        }
        waits.sort_unstable();
        println!("{tasks} busy tasks, told: {told}: median {:?}, longest {:?}", waits[10], waits[19]);
        assert!(waits[10] < Duration::from_secs(2), "{tasks} busy tasks, told: {told}: {waits:?}");
        busy.signal(Signal::KILL);
    }
}

fn holder(mongo: &Mongo, lock: &str) -> (Worker, u64) {
    let worker = Worker::start(&["hold", &mongo.uri(), lock, &TTL.as_millis().to_string()]);
    let token = worker.says_first("held ")[0];
    (worker, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_holder_is_followed_when_its_lease_ends() {
    let mongo = Mongo::replica_set(1).await;
    let name = fresh("killed");
    let (worker, token) = holder(&mongo, &name);
    let manager = manager(&mongo).await;
    let lock = manager.lock(&name);
    assert!(lock.try_acquire().await.expect("the store answers").is_none());
    worker.signal(Signal::KILL);
    let killed = Instant::now();
    let guard = timeout(Duration::from_secs(60), lock.acquire()).await.expect("taken over").expect("granted");
    let waited = killed.elapsed();
    assert!(waited < TTL + AFTER_TTL, "taken over after {waited:?}");
    assert!(guard.token().get() > token);
    guard.release().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_was_stopped_beyond_its_lease_does_not_act() {
    let mongo = Mongo::replica_set(1).await;
    let name = fresh("stopped");
    let (mut worker, token) = holder(&mongo, &name);
    worker.ask();
    assert_eq!(worker.says(), "acted");
    worker.signal(Signal::STOP);
    let manager = manager(&mongo).await;
    let guard = timeout(Duration::from_secs(60), manager.lock(&name).acquire()).await.expect("in time");
    let guard = guard.expect("taken over while its holder slept");
    assert!(guard.token().get() > token);
    // The work that was waiting for it, and the end of its sleep.
    worker.ask();
    worker.signal(Signal::CONT);
    assert_eq!(worker.says(), "lost Expired");
    worker.ask();
    assert_eq!(worker.says(), "lost Expired", "it stays lost");
    guard.ensure_held().expect("the new holder is not disturbed");
    guard.release().await.expect("and has what to release");
}

/// A stop that is shorter than the lease costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_was_stopped_for_a_moment_goes_on() {
    let mongo = Mongo::replica_set(1).await;
    let name = fresh("moment");
    let manager = manager(&mongo).await;
    let (mut worker, token) = holder(&mongo, &name);
    worker.signal(Signal::STOP);
    let stopped = Instant::now();
    while stopped.elapsed() < TTL / 4 {
        assert!(manager.lock(&name).try_acquire().await.expect("the store answers").is_none());
    }
    worker.signal(Signal::CONT);
    worker.ask();
    assert_eq!(worker.says(), "acted");
    // For three leases, so that it must have been renewed.
    while stopped.elapsed() < 3 * TTL {
        assert!(manager.lock(&name).try_acquire().await.expect("the store answers").is_none());
    }
    worker.ask();
    assert_eq!(worker.says(), "acted");
    assert_eq!(manager.inspect(&name).await.expect("the store answers").expect("held").token.get(), token);
}
