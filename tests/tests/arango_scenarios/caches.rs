//! A single server that keeps the results of queries, each with the time at which it was made.

use std::time::Duration;

use arango_server::{ArangoServer, CacheMode};
use shylock_arango::{AcquireRequest, Attempt, Backend, LockManager};
use shylock_tests::Stopwatch;

use crate::lab::{connected, prepared, request};

const TTL: Duration = Duration::from_secs(1);

/// Nobody writes to the record of a crashed holder, so that a kept look at it would show its lease for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_lone_waiter_follows_a_crashed_holder() {
    for mode in [CacheMode::On, CacheMode::Demand, CacheMode::Off] {
        let server = prepared(ArangoServer::builder().results_cache(mode)).await;
        let crashed = connected(&server).await;
        let wanted = AcquireRequest { ttl: TTL, ..request("crashed") };
        assert!(matches!(crashed.try_acquire(&wanted).await, Ok(Attempt::Granted(_))));
        let watch = Stopwatch::start();
        let waiter = LockManager::new(connected(&server).await);
        let guard = waiter.lock("crashed").acquire_timeout(10 * TTL).await;
        let took = watch.took();
        assert!(guard.is_ok(), "{mode:?}: {guard:?} after {took:?}");
        assert!(took < 2 * TTL + Stopwatch::OVERRUN, "{mode:?}: {took:?}");
    }
}

/// The same for who only looks: a lease ends without anybody writing.
#[tokio::test]
async fn looks_and_lists_are_of_now() {
    let server = prepared(ArangoServer::builder().results_cache(CacheMode::On)).await;
    let backend = connected(&server).await;
    let lease = request("looked at");
    assert!(matches!(backend.try_acquire(&lease).await, Ok(Attempt::Granted(_))));
    let manager = LockManager::new(connected(&server).await);
    for left in [30_u64, 20, 10] {
        let seen = manager.inspect("looked at").await.expect("read").expect("held").remaining;
        let listed = manager.list("").await.expect("listed")[0].remaining;
        for remaining in [seen, listed] {
            assert!(
                remaining <= Duration::from_secs(left) && remaining > Duration::from_secs(left - 10),
                "{remaining:?}"
            );
        }
        server.step_clocks(10_000);
    }
    assert_eq!(manager.inspect("looked at").await.expect("read"), None);
    assert_eq!(manager.list("").await.expect("listed"), []);
    assert_eq!(server.counters().cached_results, 0);
}
