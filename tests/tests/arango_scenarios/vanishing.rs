//! The database or the collection is dropped while it is in use: typed errors, no false grant, and holders are told.

use std::time::Duration;

use arango_server::{ArangoServer, Fault, Point};
use shylock_arango::{Error, LossReason, RequestError};
use shylock_tests::Stopwatch;
use tokio::time::timeout;

use crate::{
    lab::{DATABASE, LOCKS, connected, manager, prepared, request, why},
    secrets::assert_silent,
};
use shylock_arango::Backend;

const TTL: Duration = Duration::from_millis(1500);

fn drop_database(server: &ArangoServer) {
    server.drop_database(DATABASE).expect("it is there");
}

fn drop_collection(server: &ArangoServer) {
    server.drop_collection(DATABASE, LOCKS).expect("it is there");
}

type Deed = (fn(&ArangoServer), u64);

const DEEDS: [Deed; 2] = [(drop_database, 1228), (drop_collection, 1203)];

fn is_number(error: &RequestError, wanted: u64) -> bool {
    matches!(error, RequestError::Refused { number, .. } if *number == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_are_told_in_time_and_nobody_else_gets_in() {
    for (vanish, number) in DEEDS {
        let server = prepared(ArangoServer::builder()).await;
        let manager = manager(&server).await;
        let lock = manager.lock("gone").with_ttl(TTL);
        let asked = Stopwatch::start();
        let guard = lock.acquire().await.expect("granted");
        guard.renew().await.expect("renewed");
        let renewed = Stopwatch::start();
        vanish(&server);

        for error in [
            manager.lock("other").acquire().await.map(drop).expect_err("there is nothing to lock with"),
            manager.lock("other").try_acquire().await.map(drop).expect_err("there is nothing to lock with"),
            manager.inspect("gone").await.map(drop).expect_err("there is nothing to look at"),
            manager.list("").await.map(drop).expect_err("there is nothing to look at"),
            guard.renew().await.expect_err("there is nothing to renew"),
        ] {
            assert!(matches!(error, Error::Backend { retryable: false, .. }), "{number}: {error:?}");
            assert!(is_number(why(&error), number), "{number}: {error:?}");
            assert_silent(&error);
        }
        let took = asked.took();
        assert!(took < Duration::from_secs(1), "no call waits for it: {took:?}");
        guard.ensure_held().expect("the lease is not over");
        let loss = timeout(4 * TTL, guard.lost()).await.expect("told");
        let took = renewed.took();
        assert!(took < TTL, "told before the lease is over, not after {took:?}");
        assert_eq!(loss.reason, LossReason::Expired);
        assert!(matches!(guard.ensure_held(), Err(Error::Lost { .. })) && !guard.is_held());
        drop(guard);
        timeout(Duration::from_secs(9), manager.close()).await.expect("closed");
    }
}

/// Between the parts of one query.
#[tokio::test(flavor = "multi_thread")]
async fn what_vanishes_under_a_query_is_not_granted() {
    for (vanish, number) in DEEDS {
        for point in [Point::Received, Point::BeforeSnapshot, Point::AfterRead, Point::BeforeCommit] {
            let server = prepared(ArangoServer::builder()).await;
            let backend = connected(&server).await;
            let arrived = server.fault(Fault::at(point).on_query("UPSERT").pauses());
            let asking = tokio::spawn(async move { backend.try_acquire(&request("under")).await });
            arrived.reached(1).await;
            vanish(&server);
            arrived.resume();
            let error = asking.await.expect("no panic").expect_err("there is nothing to lock with");
            assert!(is_number(why(&error), number) || is_number(why(&error), 1203), "{point:?} {number}: {error:?}");
            assert!(server.history(DATABASE, LOCKS, "under").is_empty(), "{point:?}: nothing was written");
        }
    }
}

/// Whoever has made the collection anew starts anew: the former holder is told by the next renewal.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_collection_has_no_old_holders() {
    let server = prepared(ArangoServer::builder()).await;
    let before = manager(&server).await;
    let guard = before.lock("renewed").acquire().await.expect("granted");
    drop_collection(&server);
    let after = manager(&server).await;
    assert!(matches!(guard.renew().await, Err(Error::Lost { .. })));
    let loss = timeout(Duration::from_secs(1), guard.lost()).await.expect("told at once");
    assert_eq!(loss.reason, LossReason::Taken);
    let next = after.lock("renewed").acquire().await.expect("granted");
    assert!(next.token() > guard.token(), "the token grows on all the same");
    next.release().await.expect("released");
}
