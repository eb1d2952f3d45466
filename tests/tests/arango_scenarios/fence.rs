//! Writes that are carried out only if the lock is still held.

use std::{collections::HashMap, time::Duration};

use arango_server::{ArangoServer, Builder, Fault, Point};
use serde_json::{Value, json};
use shylock_arango::{
    AsyncLockGuard, Error, Fence, LockManager, LossReason, MemoryBackend,
    arangors::{
        ClientError, Database,
        transaction::{Transaction, TransactionCollections, TransactionSettings},
    },
};
use tokio::time::{sleep, timeout};

use crate::{
    driver::{Plain, database},
    lab::{DATABASE, LOCKS, ask, manager, prepared, query},
};

const PAY: &str = "FOR i IN invoices FILTER i._key == @key UPDATE i WITH { paid: true } IN invoices RETURN NEW._key";
/// What waits for a transaction is seen to wait for so long.
const A_WHILE: Duration = Duration::from_millis(400);

/// A lock, another process that wants it, and the user's data beside it, by a connection of the user's own.
struct Scene {
    server: ArangoServer,
    here: LockManager,
    there: LockManager,
    database: Database<Plain>,
}

impl Scene {
    async fn new() -> Self {
        Self::on(ArangoServer::builder()).await
    }

    async fn on(builder: Builder) -> Self {
        let server = prepared(builder).await;
        ask(&server, "POST", "/_api/collection", &json!({ "name": "invoices" })).await;
        query(&server, "INSERT { _key: '42', paid: false } INTO invoices", json!({})).await;
        let (here, there) = (manager(&server).await, manager(&server).await);
        let database = database(&server).await;
        Self { server, here, there, database }
    }

    async fn hold(&self) -> AsyncLockGuard {
        self.here.lock("x").try_acquire().await.expect("the server answers").expect("it is free")
    }

    /// Pays the invoice under the lock; how many invoices that were.
    async fn pay(&self, guard: &AsyncLockGuard) -> Result<usize, ClientError> {
        let (aql, binds) = guard.fenced_aql(PAY, HashMap::from([("key", json!("42"))])).expect("held, for all we know");
        self.database.aql_bind_vars::<Value>(&aql, binds).await.map(|rows| rows.len())
    }

    async fn begin(&self) -> Transaction<Plain> {
        let collections = TransactionCollections::builder().write(vec![LOCKS.into(), "invoices".into()]).build();
        let settings = TransactionSettings::builder().collections(collections).build();
        self.database.begin_transaction(settings).await.expect("begun")
    }

    async fn pay_within(&self, transaction: &Transaction<Plain>) {
        let paid = transaction.aql_bind_vars::<Value>(PAY, HashMap::from([("key", json!("42"))])).await;
        assert_eq!(paid.expect("written, for now").len(), 1);
    }

    fn is_paid(&self) -> bool {
        self.server.document(DATABASE, "invoices", "42").expect("there")["paid"] == json!(true)
    }

    /// The transaction is over, whatever is tried with it.
    async fn assert_aborted(&self, transaction: &Transaction<Plain>) {
        transaction.commit().await.expect_err("nothing is left to commit");
        assert!(!self.is_paid());
    }
}

#[tokio::test]
async fn a_fenced_query_writes_only_while_the_lock_is_held() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    assert_eq!(scene.pay(&guard).await.expect("written"), 1);
    assert!(scene.is_paid());
    guard.renew().await.expect("the lock is as it was");

    query(&scene.server, "UPDATE '42' WITH { paid: false } IN invoices", json!({})).await;
    scene.there.force_break("x").await.expect("broken").expect("it was held");
    assert!(guard.is_held(), "nobody has told it");
    assert_eq!(scene.pay(&guard).await.expect("no error"), 0, "the lock is nobody's");
    let next = scene.there.lock("x").acquire().await.expect("granted");
    assert_eq!(scene.pay(&guard).await.expect("no error"), 0, "it is another's");
    assert!(!scene.is_paid());
    assert_eq!(scene.pay(&next).await.expect("written"), 1);

    guard.renew().await.expect_err("now it knows");
    let error = guard.fenced_aql(PAY, HashMap::new()).expect_err("lost");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{error:?}");
}

/// Whichever comes first: never both.
#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_query_and_a_break_do_not_both_go_through() {
    // The query has its snapshot, then the lock is broken.
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    let fault = Fault::at(Point::AfterSnapshot).on_query("invoices").pauses();
    let late = scene.server.fault(fault);
    let breaking = async {
        late.reached(1).await;
        scene.there.force_break("x").await.expect("broken").expect("it was held");
        late.resume();
    };
    let (paid, ()) = tokio::join!(scene.pay(&guard), breaking);
    let error = paid.expect_err("a conflict");
    assert!(matches!(&error, ClientError::Arango(error) if error.error_num() == 1200), "{error:?}");
    assert!(!scene.is_paid());

    // The query has written, then somebody tries to break the lock.
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    let late = scene.server.fault(Fault::at(Point::BeforeCommit).on_query("invoices").pauses());
    let breaking = async {
        late.reached(1).await;
        let outcome = scene.there.force_break("x").await;
        assert!(matches!(outcome, Err(Error::Backend { retryable: true, .. })), "{outcome:?}");
        late.resume();
    };
    let (paid, ()) = tokio::join!(scene.pay(&guard), breaking);
    assert_eq!(paid.expect("written"), 1);
    guard.renew().await.expect("the lock is as it was");
}

/// A kept plan has the time at which it was made: with it, a lease would be live for ever.
#[tokio::test]
async fn no_server_keeps_the_plan_of_a_fenced_query() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    let (aql, binds) = guard.fenced_aql(PAY, HashMap::from([("key", json!("42"))])).expect("held");
    for (kept, answer) in [(true, json!(1584)), (false, Value::Null)] {
        let body = json!({ "query": aql, "bindVars": binds, "options": { "usePlanCache": kept } });
        let answered = ask(&scene.server, "POST", "/_api/cursor", &body).await;
        assert_eq!(answered["errorNum"], answer, "{answered}");
        assert_eq!(scene.is_paid(), !kept);
    }
}

#[tokio::test]
async fn what_cannot_follow_the_check_is_refused() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    for (aql, name, wrong) in [
        ("WITH invoices FOR i IN invoices RETURN i", "key", "aql"),
        ("/* a */ with invoices RETURN 1", "key", "aql"),
        (" ", "key", "aql"),
        (PAY, "shylockKey", "binds"),
        (PAY, "@shylockLocks", "binds"),
    ] {
        let error = guard.fenced_aql(aql, HashMap::from([(name, json!("42"))])).expect_err(aql);
        assert!(matches!(&error, Error::InvalidOption { option, .. } if *option == wrong), "{aql}: {error:?}");
    }
    // As a server would say to the first: it is at the place of an operation.
    let answer =
        ask(&scene.server, "POST", "/_api/query", &json!({ "query": "LET x = 1 WITH invoices RETURN 1" })).await;
    assert_eq!(answer["errorNum"], 1501);
}

/// The server has aborted it: begin a new one.
#[tokio::test]
async fn a_transaction_that_was_idle_for_too_long_is_not_fenced() {
    let scene = Scene::on(ArangoServer::builder().stream_idle(Duration::from_millis(50))).await;
    let guard = scene.hold().await;
    let transaction = scene.begin().await;
    let path = format!("/_api/transaction/{}", transaction.id());
    while ask(&scene.server, "GET", &path, &Value::Null).await["result"]["status"] == "running" {}
    let error = guard.fence(&transaction).await.expect_err("it is over");
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    scene.assert_aborted(&transaction).await;
    guard.ensure_held().expect("the lock is as it was");
}

/// What the README says of writes that check the token alone: null is smaller than every number, a text is larger.
#[tokio::test]
async fn a_document_refuses_an_older_token() {
    let scene = Scene::new().await;
    let set = async |token: u64| {
        let aql = "FOR i IN invoices FILTER i._key == '42' && i.fence <= @token \
                   UPDATE i WITH { fence: @token } IN invoices RETURN NEW.fence";
        query(&scene.server, aql, json!({ "token": token })).await.len()
    };
    assert_eq!((set(5).await, set(5).await, set(4).await, set(6).await, set(5).await), (1, 1, 0, 1, 0));
    query(&scene.server, "UPDATE '42' WITH { fence: 'mine' } IN invoices", json!({})).await;
    assert_eq!(set(7).await, 0);
}

#[tokio::test]
async fn a_fenced_transaction_commits_while_the_lock_is_held() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    let transaction = scene.begin().await;
    guard.fence(&transaction).await.expect("fenced");
    scene.pay_within(&transaction).await;
    assert!(!scene.is_paid(), "not yet");
    transaction.commit().await.expect("committed");
    assert!(scene.is_paid());
    guard.renew().await.expect("the lock is as it was");
}

#[tokio::test]
async fn a_lock_that_another_has_by_now_fences_nothing() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    scene.there.force_break("x").await.expect("broken").expect("it was held");
    let next = scene.there.lock("x").acquire().await.expect("granted");
    let transaction = scene.begin().await;
    scene.pay_within(&transaction).await;
    let error = guard.fence(&transaction).await.expect_err("lost");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{error:?}");
    assert!(!guard.is_held(), "now it knows");
    scene.assert_aborted(&transaction).await;
    next.release().await.expect("released");
}

/// The transaction has begun, then the take-over, then the fence.
#[tokio::test]
async fn a_transaction_that_was_overtaken_is_not_fenced() {
    let scene = Scene::new().await;
    let guard = scene.hold().await;
    let transaction = scene.begin().await;
    scene.there.force_break("x").await.expect("broken").expect("it was held");
    scene.pay_within(&transaction).await;
    let error = guard.fence(&transaction).await.expect_err("a conflict");
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    scene.assert_aborted(&transaction).await;
    let error = guard.fence(&scene.begin().await).await.expect_err("lost");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_cannot_know_of_the_lock_is_refused() {
    let scene = Scene::new().await;
    let transaction = scene.begin().await;
    let guard = scene.hold().await;
    let error = guard.fence(&transaction).await.expect_err("it began before");
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    scene.assert_aborted(&transaction).await;

    let memory = LockManager::new(MemoryBackend::new());
    let elsewhere = memory.lock("x").acquire().await.expect("granted");
    let transaction = scene.begin().await;
    let error = elsewhere.fence(&transaction).await.expect_err("of another store");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    scene.assert_aborted(&transaction).await;
    let error = elsewhere.fenced_aql(PAY, HashMap::new()).expect_err("of another store");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
}

/// A transaction that is open for nearly a third of the ttl costs no lease, and nobody else gets in.
#[tokio::test]
async fn renewals_survive_an_open_transaction_and_take_overs_wait() {
    const TTL: Duration = Duration::from_secs(2);
    let scene = Scene::new().await;
    let guard = scene.here.lock("x").with_ttl(TTL).acquire().await.expect("granted");
    for _ in 0..6 {
        let transaction = fenced(&scene, &guard).await;
        sleep(TTL / 3 - TTL / 30).await;
        transaction.commit().await.expect("committed");
    }
    guard.ensure_held().expect("held");

    let transaction = fenced(&scene, &guard).await;
    guard.lost().await;
    let lock = scene.there.lock("x");
    let mut next = std::pin::pin!(lock.acquire());
    timeout(TTL / 4 + A_WHILE, &mut next).await.expect_err("it waits, though the lease has ended");
    scene.pay_within(&transaction).await;
    transaction.commit().await.expect("committed");
    assert!(scene.is_paid());
    assert!(next.await.expect("granted").token() > guard.token());
}

/// A transaction that has fenced itself; one that met a renewal is begun anew.
async fn fenced(scene: &Scene, guard: &AsyncLockGuard) -> Transaction<Plain> {
    for _ in 0..10 {
        let transaction = scene.begin().await;
        match guard.fence(&transaction).await {
            Err(Error::Backend { retryable: true, .. }) => println!("the fence met a renewal"),
            outcome => return outcome.map(|()| transaction).expect("held"),
        }
    }
    panic!("each fence meets a renewal");
}
