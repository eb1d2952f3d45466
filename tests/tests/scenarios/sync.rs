//! Synchronous programs on a real MongoDB: many threads, and the ends that a process can come to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use mongodb::bson::doc;
use rustix::process::{Pid, Signal, kill_process};
use shylock_mongo::{
    MongoBackend,
    sync::{Error, Lock, LockManager, block_on},
};
use shylock_tests::{Mongo, Stopwatch};

use crate::{fresh, shim::Shim, worker::Worker};

const SECOND: Duration = Duration::from_secs(1);

/// A deployment that outlives all tests, and a manager for threads on it.
fn mongo() -> Mongo {
    block_on(Mongo::replica_set(1))
}

fn manager(mongo: &Mongo) -> LockManager {
    LockManager::new(block_on(MongoBackend::connect(mongo.uri(), "shylock_scenarios")).expect("connected"))
}

/// Eight threads of two managers, as of two processes. What they count is read and written in two steps.
#[test]
fn eight_threads_two_hundred_times_lose_nothing() {
    const TIMES: u64 = 200;
    let mongo = mongo();
    let (managers, name) = ([manager(&mongo), manager(&mongo)], fresh("threads"));
    let (count, last_token) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for manager in managers.iter().cycle().take(8) {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    let guard = manager.lock(&name).acquire().expect("granted");
                    let before = count.load(Ordering::Relaxed);
                    let token = guard.token().get();
                    assert!(last_token.swap(token, Ordering::Relaxed) < token, "tokens grow");
                    thread::yield_now();
                    count.store(before + 1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 8 * TIMES);
}

#[test]
fn a_guard_in_a_local_variable_is_released_at_the_end_of_main() {
    let (mongo, name) = (mongo(), fresh("local"));
    let mut worker = Worker::start_sync(&["end", &mongo.uri(), &name, "local"]);
    worker.says_first("held ");
    assert!(worker.end().success());
    let guard = manager(&mongo).lock(&name).try_acquire().expect("the store answers").expect("it is free");
    guard.release().expect("released");
}

/// It neither hangs nor panics; the lease is the backstop.
#[test]
fn a_guard_in_a_static_is_left_to_its_lease() {
    let (mongo, name) = (mongo(), fresh("static"));
    let mut worker = Worker::start_sync(&["end", &mongo.uri(), &name, "static"]);
    let token = worker.says_first("held ")[0];
    assert!(worker.end().success());
    let lock: Lock = manager(&mongo).lock(&name);
    assert!(lock.try_acquire().expect("the store answers").is_none(), "statics are not dropped");
    let next = lock.acquire_timeout(10 * SECOND).expect("taken over");
    assert!(next.token().get() > token);
    next.release().expect("released");
}

/// Killed when dropped: the child of a worker.
struct Orphan(Pid);

impl Drop for Orphan {
    fn drop(&mut self) {
        kill_process(self.0, Signal::KILL).expect("it is there");
    }
}

#[test]
fn a_forked_child_neither_renews_nor_releases() {
    let (mongo, name) = (mongo(), fresh("fork"));
    let shim = Shim::from_source("fork_shim.c");
    let mut parent = Worker::start_sync_with_fork(&shim, &["fork", &mongo.uri(), &name]);
    let tokens = parent.says_first("held ");
    parent.ask();
    let pid = i32::try_from(parent.says_first("child ")[0]).ok().and_then(Pid::from_raw);
    let child = Orphan(pid.expect("a process"));
    assert_eq!(parent.says(), "held false Stopped renew Err(Stopped)");
    assert_eq!(parent.says(), "dropped quickly true released Err(Stopped)");
    assert_eq!(parent.says(), "with the parent's store Err(Stopped)");
    assert_eq!(parent.says(), "without a store Err(NotConfigured)");
    assert_eq!(parent.says(), "with a store of its own Ok(true)");

    // The parent's locks are as they were, and it works on: for longer than a lease.
    let manager = manager(&mongo);
    let held = || {
        ["dropped", "released"].map(|what| {
            let seen = manager.inspect(format!("{name}/{what}")).expect("the store answers");
            seen.map(|seen| seen.token.get())
        })
    };
    let since = Instant::now();
    while since.elapsed() < 3 * SECOND {
        assert_eq!(held(), [Some(tokens[0]), Some(tokens[1])]);
        parent.ask();
        assert_eq!(parent.says(), "true");
        thread::sleep(SECOND / 10);
    }

    // Without the parent, nobody renews.
    parent.signal(Signal::KILL);
    for what in ["dropped", "released"] {
        let next = manager.lock(format!("{name}/{what}")).acquire_timeout(10 * SECOND).expect("taken over");
        next.release().expect("released");
    }
    drop(child);
}

/// Whatever mutex a thread of the parent held at the moment of the fork.
#[test]
fn no_forked_child_of_a_busy_process_hangs() {
    let shim = Shim::from_source("fork_shim.c");
    let parent = Worker::start_sync_with_fork(&shim, &["forks", "500"]);
    assert_eq!(parent.says(), "done");
}

/// The connections of a store are where it was made: that is told in time, and no hang.
#[test]
fn a_store_dies_with_the_runtime_on_which_it_was_connected() {
    let (mongo, name) = (mongo(), fresh("elsewhere"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let backend = runtime.block_on(MongoBackend::connect(mongo.uri(), "shylock_scenarios")).expect("connected");
    let manager = LockManager::builder(backend).call_timeout(SECOND).build().expect("good options");
    manager.lock(&name).acquire().expect("granted").release().expect("released");
    drop(runtime);
    let watch = Stopwatch::start();
    let outcome = manager.lock(&name).try_acquire().map(drop);
    let took = watch.took();
    assert!(matches!(outcome, Err(Error::Backend { .. })), "{outcome:?}");
    assert!(took < SECOND + SECOND / 10, "{took:?}");
}

#[test]
fn shutdown_leaves_no_thread_and_no_connection() {
    let (mongo, name) = (mongo(), fresh("shutdown"));
    let uri = format!("{}&appName={name}", mongo.uri());
    let mut worker = Worker::start_sync(&["shutdown", &uri, &name]);
    assert_eq!(worker.says(), "used");
    assert!(connections(&mongo, &name) > 0, "it is connected under that name");
    worker.ask();
    assert_eq!(worker.says(), "ended 0");
    // The server notices a moment later, while the process lives on.
    let since = Instant::now();
    while connections(&mongo, &name) > 0 {
        assert!(since.elapsed() < 10 * SECOND, "{} connections are left", connections(&mongo, &name));
        thread::sleep(SECOND / 100);
    }
}

/// How many connections the server has from clients of that name.
fn connections(mongo: &Mongo, client: &str) -> usize {
    block_on(async {
        let admin = mongo.client().await.database("admin");
        let all = doc! { "$currentOp": { "allUsers": true, "idleConnections": true } };
        let mut found = admin.aggregate([all, doc! { "$match": { "appName": client } }]).await.expect("listed");
        let mut count = 0;
        while found.advance().await.expect("listed") {
            count += 1;
        }
        count
    })
}
