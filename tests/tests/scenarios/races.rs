//! First acquisitions that meet on MongoDB 4.4: it refuses some of them (E11000), and the engine repeats those.

use std::time::Duration;

use shylock_core::{AcquireRequest, Attempt, Backend, Failure, HolderId, HolderInfo, LockName};
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::{Kind, Mongo, Version};
use tokio::{task::JoinSet, time::Instant};

use crate::fresh;

const RACERS: usize = 8;
/// One race in twenty has such a refusal.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn acquisitions_that_meet_are_repeated() {
    let mongo = Mongo::of(Version::V4_4_2, Kind::ReplicaSet(1)).await;
    let mut stores = Vec::new();
    for _ in 0..RACERS {
        stores.push(MongoBackend::connect(mongo.uri(), "shylock_races").await.expect("connected"));
    }
    let managers: Vec<LockManager> = stores.iter().cloned().map(LockManager::new).collect();
    let (since, mut refused, mut races) = (Instant::now(), 0, 0);
    // Later versions repeat it themselves.
    while races < 50 || (refused == 0 && !mongo.is_at_least(5, 0)) {
        assert!(since.elapsed() < PATIENCE, "no refusal in {races} races");
        refused += race_of_stores(&stores).await;
        race_of_managers(&managers).await;
        races += 1;
    }
    println!("{refused} refusals in {races} races of {RACERS}");
}

/// One wins; how many were refused without an answer.
async fn race_of_stores(stores: &[MongoBackend]) -> usize {
    let name = LockName::new(fresh("race")).expect("a name");
    let mut race = JoinSet::new();
    for store in stores {
        let holder = HolderId::random().expect("random numbers");
        let ttl = Duration::from_secs(30);
        let request = AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() };
        let store = store.clone();
        race.spawn(async move { store.try_acquire(&request).await });
    }
    let (mut winners, mut refused) = (0, 0);
    for outcome in race.join_all().await {
        match outcome {
            Ok(Attempt::Granted(_)) => winners += 1,
            Ok(Attempt::Held(_)) => {}
            Err(error) => {
                assert_eq!(error.failure(), &Failure::NotApplied, "{error:?}");
                refused += 1;
            }
        }
    }
    assert_eq!(winners, 1);
    refused
}

/// One wins, and nobody fails.
async fn race_of_managers(managers: &[LockManager]) {
    let name = fresh("race");
    let mut race = JoinSet::new();
    for lock in managers.iter().map(|manager| manager.lock(&name)) {
        race.spawn(async move { lock.try_acquire().await.expect("the engine repeats what was refused") });
    }
    // Kept until all have asked.
    let guards = race.join_all().await;
    assert_eq!(guards.iter().flatten().count(), 1);
}
