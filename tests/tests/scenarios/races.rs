//! First acquisitions that meet on MongoDB 4.4: it refuses some of them (E11000), which nobody notices.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mongodb::{
    Client,
    error::{Error, ErrorKind},
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use shylock_core::{AcquireRequest, Attempt, Backend, HolderId, HolderInfo, LockName};
use shylock_mongo::MongoBackend;
use shylock_tests::{Kind, Mongo, Version};
use tokio::{task::JoinSet, time::Instant};

use crate::fresh;

const RACERS: usize = 8;
/// One race in twenty has such a refusal.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn acquisitions_that_meet_are_repeated() {
    let mongo = Mongo::of(Version::V4_4_2, Kind::ReplicaSet(1)).await;
    let refusals = Arc::new(AtomicUsize::new(0));
    let mut stores = Vec::new();
    for _ in 0..RACERS {
        stores.push(store(&mongo, &refusals).await);
    }
    let (since, mut races) = (Instant::now(), 0);
    // Later versions repeat it themselves.
    while races < 50 || (refusals.load(Ordering::SeqCst) == 0 && !mongo.is_at_least(5, 0)) {
        assert!(since.elapsed() < PATIENCE, "no refusal in {races} races");
        race(&stores).await;
        races += 1;
    }
    println!("{refusals:?} refusals in {races} races of {RACERS}");
}

/// One with connections of its own, which counts its refusals.
async fn store(mongo: &Mongo, refusals: &Arc<AtomicUsize>) -> MongoBackend {
    let mut options = ClientOptions::parse(mongo.uri()).await.expect("an address");
    let refusals = Arc::clone(refusals);
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Failed(failed) = event {
            refusals.fetch_add(usize::from(is_duplicate(&failed.failure)), Ordering::SeqCst);
        }
    }));
    MongoBackend::new(Client::with_options(options).expect("a client").database("shylock_races"))
}

fn is_duplicate(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(refused) if refused.code == 11000)
}

/// One wins, and nobody fails.
async fn race(stores: &[MongoBackend]) {
    let name = LockName::new(fresh("race")).expect("a name");
    let mut race = JoinSet::new();
    for store in stores {
        let holder = HolderId::random().expect("random numbers");
        let ttl = Duration::from_secs(30);
        let request = AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() };
        let store = store.clone();
        race.spawn(async move { store.try_acquire(&request).await.expect("a refusal is repeated") });
    }
    let outcomes = race.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Attempt::Granted(_))).count(), 1);
}
