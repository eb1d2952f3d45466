//! Transactions that commit only if the lock is still held.

use std::time::Duration;

use mongodb::{
    Client, ClientSession, Collection,
    bson::{Document, doc},
    error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR},
};
use shylock_mongo::{
    AsyncLockGuard, Error, Fence, FenceError, LockManager, LossReason, MemoryBackend, MongoBackend,
    sync::{self, block_on},
};
use shylock_tests::{Mongo, Stopwatch};
use tokio::time::timeout;

use crate::{fresh, manager};

/// A request that waits for a transaction is seen to wait for so long.
const A_WHILE: Duration = Duration::from_millis(400);

/// A lock, another process that wants it, and the user's data beside it, by a client of the user's own.
pub(crate) struct Scene {
    client: Client,
    pub(crate) here: LockManager,
    pub(crate) there: LockManager,
    pub(crate) name: String,
    data: Collection<Document>,
}

impl Scene {
    pub(crate) async fn new(name: &str) -> Self {
        let mongo = Mongo::replica_set(1).await;
        let client = mongo.client().await;
        let data = client.database("shylock_fenced").collection("data");
        // A collection that is made within a transaction would wait for others of its kind.
        drop(client.database("shylock_fenced").create_collection("data").await);
        Self { client, here: manager(&mongo).await, there: manager(&mongo).await, name: fresh(name), data }
    }

    pub(crate) async fn hold(&self) -> AsyncLockGuard {
        self.here.lock(&self.name).try_acquire().await.expect("the store answers").expect("it is free")
    }

    pub(crate) async fn begin(&self) -> ClientSession {
        let mut session = self.client.start_session().await.expect("a session");
        session.start_transaction().await.expect("begun");
        session
    }

    /// A transaction that is fenced; one that met a renewal there is begun anew.
    pub(crate) async fn begin_fenced(&self, guard: &AsyncLockGuard) -> ClientSession {
        for _ in 0..10 {
            let mut session = self.begin().await;
            match guard.fence(&mut session).await {
                Err(error) if is_transient(&error) => println!("the fence met a renewal"),
                outcome => return outcome.map(|()| session).expect("fenced"),
            }
        }
        panic!("each fence meets a renewal");
    }

    pub(crate) async fn write(&self, session: &mut ClientSession) -> Result<(), DriverError> {
        self.data.insert_one(doc! { "_id": &self.name }).session(session).await.map(drop)
    }

    async fn read(&self, session: &mut ClientSession) {
        self.data.find_one(doc! {}).session(session).await.expect("read");
    }

    pub(crate) async fn is_written(&self) -> bool {
        self.data.find_one(doc! { "_id": &self.name }).await.expect("read").is_some()
    }

    /// The transaction is over, whatever is tried with it.
    async fn assert_aborted(&self, session: &mut ClientSession) {
        session.commit_transaction().await.expect_err("nothing is left to commit");
        assert!(!self.is_written().await);
    }
}

fn is_transient(error: &FenceError) -> bool {
    matches!(error, FenceError::Driver(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR))
}

#[tokio::test]
async fn a_fenced_transaction_commits_while_the_lock_is_held() {
    let scene = Scene::new("commits").await;
    let guard = scene.hold().await;
    let mut session = scene.begin().await;
    guard.fence(&mut session).await.expect("fenced");
    scene.write(&mut session).await.expect("written");
    guard.fence(&mut session).await.expect("fenced twice");
    session.commit_transaction().await.expect("committed");
    assert!(scene.is_written().await);
    guard.renew().await.expect("the lock is as it was");
    guard.release().await.expect("released");
    let next = scene.there.lock(&scene.name).try_acquire().await.expect("the store answers").expect("it is free");
    next.release().await.expect("released");
}

/// The old holder does not know yet.
#[tokio::test]
async fn a_lock_that_another_has_by_now_fences_nothing() {
    let scene = Scene::new("taken").await;
    let guard = scene.hold().await;
    scene.there.force_break(&scene.name).await.expect("broken").expect("it was held");
    let next = scene.there.lock(&scene.name).acquire().await.expect("granted");
    assert!(guard.is_held(), "nobody has told it");
    let mut session = scene.begin().await;
    scene.write(&mut session).await.expect("written, for now");
    let error = guard.fence(&mut session).await.expect_err("lost");
    assert!(matches!(error, FenceError::Lock(Error::Lost { reason: LossReason::Taken })), "{error:?}");
    assert!(!guard.is_held(), "now it knows");
    scene.assert_aborted(&mut session).await;
    next.release().await.expect("released");
}

/// It is known without asking, whatever the transaction has seen.
#[tokio::test]
async fn a_lease_that_has_ended_fences_nothing() {
    let scene = Scene::new("ended").await;
    let lock = scene.here.lock(&scene.name).with_ttl(Duration::from_secs(1)).with_auto_renew(false);
    let guard = lock.acquire().await.expect("granted");
    let mut session = scene.begin().await;
    scene.write(&mut session).await.expect("written, for now");
    guard.lost().await;
    let error = guard.fence(&mut session).await.expect_err("lost");
    assert!(matches!(error, FenceError::Lock(Error::Lost { reason: LossReason::Expired })), "{error:?}");
    scene.assert_aborted(&mut session).await;
}

/// First the fence, then the take-over: it waits for the transaction's end, also when the lease has ended meanwhile.
#[tokio::test]
async fn nobody_takes_over_before_a_fenced_transaction_has_ended() {
    for commits in [true, false] {
        let scene = Scene::new("waits").await;
        let lock = scene.here.lock(&scene.name).with_ttl(Duration::from_secs(1)).with_auto_renew(false);
        let guard = lock.acquire().await.expect("granted");
        let mut session = scene.begin().await;
        guard.fence(&mut session).await.expect("fenced");
        let other = scene.there.lock(&scene.name);
        let mut next = std::pin::pin!(other.acquire());
        // The lease, twice the skew allowance, and a while.
        timeout(Duration::from_millis(1500) + A_WHILE, &mut next).await.expect_err("it waits for the transaction");
        scene.write(&mut session).await.expect("written");
        if commits {
            session.commit_transaction().await.expect("committed");
        } else {
            session.abort_transaction().await.expect("aborted");
        }
        let next = timeout(Duration::from_secs(10), next).await.expect("in time").expect("granted");
        assert!(next.token() > guard.token());
        assert_eq!(scene.is_written().await, commits);
        next.release().await.expect("released");
    }
}

/// The transaction has begun, then the take-over, then the fence.
#[tokio::test]
async fn a_transaction_that_was_overtaken_is_not_fenced() {
    let scene = Scene::new("overtaken").await;
    let guard = scene.hold().await;
    let mut session = scene.begin().await;
    scene.read(&mut session).await;
    scene.there.force_break(&scene.name).await.expect("broken").expect("it was held");
    let next = scene.there.lock(&scene.name).acquire().await.expect("granted");
    scene.write(&mut session).await.expect("written, for now");
    let error = guard.fence(&mut session).await.expect_err("in conflict with the take-over");
    assert!(is_transient(&error), "{error:?}");
    scene.assert_aborted(&mut session).await;
    // And if it is repeated, as the label asks for:
    let error = guard.fence(&mut scene.begin().await).await.expect_err("lost");
    assert!(matches!(error, FenceError::Lock(Error::Lost { reason: LossReason::Taken })), "{error:?}");
    next.release().await.expect("released");
}

/// What it has read may be what the former holder has changed since.
#[tokio::test]
async fn a_transaction_that_began_before_the_lock_was_acquired_is_refused() {
    let scene = Scene::new("before").await;
    scene.hold().await.release().await.expect("released");
    let mut session = scene.begin().await;
    scene.read(&mut session).await;
    let guard = scene.hold().await;
    scene.write(&mut session).await.expect("written, for now");
    let error = guard.fence(&mut session).await.expect_err("it does not see the lock");
    assert!(matches!(error, FenceError::NotSeen), "{error:?}");
    scene.assert_aborted(&mut session).await;
    guard.fence(&mut scene.begin().await).await.expect("the lock is held");
}

#[tokio::test]
async fn a_session_without_a_transaction_is_refused() {
    let scene = Scene::new("none").await;
    let guard = scene.hold().await;
    let mut session = scene.client.start_session().await.expect("a session");
    for committed in [false, true] {
        let error = guard.fence(&mut session).await.expect_err("no transaction");
        assert!(matches!(error, FenceError::NoTransaction), "committed: {committed}: {error:?}");
        session.start_transaction().await.expect("the session is as it was");
        guard.fence(&mut session).await.expect("fenced");
        session.commit_transaction().await.expect("committed");
    }
}

#[tokio::test]
async fn a_lock_on_another_store_is_refused() {
    let scene = Scene::new("elsewhere").await;
    let memory = LockManager::new(MemoryBackend::new());
    let guard = memory.lock(&scene.name).acquire().await.expect("granted");
    let mut session = scene.begin().await;
    scene.write(&mut session).await.expect("written, for now");
    let error = guard.fence(&mut session).await.expect_err("of another store");
    assert!(matches!(error, FenceError::OtherStore), "{error:?}");
    scene.assert_aborted(&mut session).await;

    // And one whose locks are in another collection, as the transaction sees it: another deployment.
    let three = Mongo::replica_set(3).await;
    let guard = manager(&three).await.lock(&scene.name).acquire().await.expect("granted");
    let mut session = scene.begin().await;
    scene.write(&mut session).await.expect("written, for now");
    let error = guard.fence(&mut session).await.expect_err("of another deployment");
    assert!(matches!(error, FenceError::NotSeen), "{error:?}");
    scene.assert_aborted(&mut session).await;
    guard.ensure_held().expect("nothing has happened to the lock");
}

/// A renewal between the transaction's first look and its fence is no reason to fail: the driver begins anew.
#[tokio::test]
async fn the_drivers_own_retries_work() {
    let scene = Scene::new("retried").await;
    let guard = scene.hold().await;
    let mut session = scene.client.start_session().await.expect("a session");
    let mut attempts = 0;
    let outcome = session.start_transaction().and_run2(async |session| {
        attempts += 1;
        scene.read(session).await;
        if attempts == 1 {
            guard.renew().await.expect("renewed");
        }
        guard.fence(session).await?;
        scene.write(session).await
    });
    outcome.await.expect("committed");
    assert_eq!(attempts, 2);
    assert!(scene.is_written().await);

    // A lost lock is another matter.
    scene.there.force_break(&scene.name).await.expect("broken").expect("it was held");
    let outcome = session.start_transaction().and_run2(async |session| Ok(guard.fence(session).await?)).await;
    let error = outcome.expect_err("lost");
    assert!(matches!(error.get_custom(), Some(FenceError::Lock(Error::Lost { .. }))), "{error:?}");
}

#[test]
fn a_blocking_guard_can_fence() {
    let (scene, mongo) = block_on(async { (Scene::new("blocking").await, Mongo::replica_set(1).await) });
    let backend = block_on(MongoBackend::connect(mongo.uri(), "shylock_scenarios")).expect("connected");
    let guard = sync::LockManager::new(backend).lock(&scene.name).acquire().expect("granted");
    block_on(async {
        let mut session = scene.begin().await;
        guard.as_async().fence(&mut session).await.expect("fenced");
        scene.write(&mut session).await.expect("written");
        session.commit_transaction().await.expect("committed");
        assert!(scene.is_written().await);
    });
    guard.release().expect("released");
}

/// Others are told that the lock is held, and need not wait for that.
#[tokio::test]
async fn an_open_transaction_keeps_nobody_from_asking() {
    let scene = Scene::new("asking").await;
    let guard = scene.hold().await;
    let mut session = scene.begin().await;
    guard.fence(&mut session).await.expect("fenced");
    let watch = Stopwatch::start();
    let asked = scene.there.lock(&scene.name).try_acquire().await;
    assert!(asked.expect("the store answers").is_none());
    let seen = scene.there.inspect(&scene.name).await;
    assert_eq!(seen.expect("the store answers").expect("held").token, guard.token());
    let took = watch.took();
    assert!(took < 2 * A_WHILE, "at once, not after {took:?}");

    // A release waits, and then releases.
    let mut release = std::pin::pin!(guard.release());
    timeout(A_WHILE, &mut release).await.expect_err("it waits for the transaction");
    session.commit_transaction().await.expect("committed");
    release.await.expect("released");
    drop(scene.there.lock(&scene.name).try_acquire().await.expect("the store answers").expect("it is free"));
}
