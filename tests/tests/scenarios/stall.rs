//! A server that stops for a while, and a crowd of this process that wants something of it: held leases survive, and when
//! it goes on, so do all.

use std::time::{Duration, Instant};

use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::{Mongo, Stopwatch};
use tokio::task::JoinSet;

use crate::{fresh, proxy::Proxy};

const STALL: Duration = Duration::from_secs(12);
/// What a thousand acquisitions may take once the server answers again, on a busy machine.
const RECOVERY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_goes_on_at_once_when_a_stall_is_over() {
    let mongo = Mongo::replica_set(1).await;
    let proxy = Proxy::before(mongo.hosts()).await;
    let uri = format!("mongodb://{}/?directConnection=true", proxy.address);
    let manager = LockManager::new(MongoBackend::connect(uri, "shylock_scenarios").await.expect("connected"));
    let held = manager.lock(fresh("held")).acquire().await.expect("granted");

    proxy.stall(true);
    let mut crowd = JoinSet::new();
    for number in 0..1000 {
        let lock = manager.lock(fresh(&format!("crowd-{number}")));
        crowd.spawn(async move { lock.acquire().await.expect("granted").release().await.expect("released") });
    }
    // All of it is over long before a lease of 30 s is.
    let since = Instant::now();
    while since.elapsed() < STALL {
        held.ensure_held().expect("a lease of 30 s survives this");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    proxy.stall(false);
    let watch = Stopwatch::start();
    crowd.join_all().await;
    let took = watch.took();
    assert!(took < RECOVERY, "the last of a thousand was served {took:?} after the stall");
    held.ensure_held().expect("held all the time");
    held.release().await.expect("released");
}
