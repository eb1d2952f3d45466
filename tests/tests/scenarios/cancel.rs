//! Five hundred acquisitions that are cancelled at random leave nothing held.

use std::time::{Duration, Instant};

use shylock_core::HolderId;
use shylock_tests::Mongo;
use tokio::time::timeout;

use crate::{fresh, manager};

async fn cancel_five_hundred(mongo: Mongo) {
    let manager = manager(&mongo).await;
    let names: Vec<String> = (0..5).map(|_| fresh("cancelled")).collect();
    // Up to twice the time that an acquisition takes here, so that about every other is cancelled under way.
    let since = Instant::now();
    for _ in 0..50 {
        manager.lock(&names[0]).acquire().await.expect("granted").release().await.expect("released");
    }
    let longest = since.elapsed() / 50;
    let (mut granted, mut cancelled) = (0, 0);
    for number in 0..500 {
        let lock = manager.lock(&names[number % names.len()]);
        let [random, ..] = HolderId::random().expect("random numbers").as_bytes().to_owned();
        match timeout(longest * u32::from(random) / 256, lock.acquire()).await {
            Ok(guard) => {
                granted += 1;
                drop(guard.expect("granted"));
            }
            Err(_) => cancelled += 1,
        }
    }
    assert!(granted > 50 && cancelled > 50, "{granted} granted, {cancelled} cancelled");
    timeout(Duration::from_secs(30), manager.close()).await.expect("the releases end");
    let other = crate::manager(&mongo).await;
    for name in names {
        assert_eq!(other.inspect(&name).await.expect("the store answers"), None);
        let guard = other.lock(&name).try_acquire().await.expect("the store answers").expect("it is free");
        guard.release().await.expect("released");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_standalone_server() {
    cancel_five_hundred(Mongo::standalone().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_replica_set() {
    cancel_five_hundred(Mongo::replica_set(3).await).await;
}
