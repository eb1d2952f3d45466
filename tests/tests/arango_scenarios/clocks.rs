//! Two coordinators whose clocks are as far apart as the skew allowance says: who is early, who is late.

use std::time::{Duration, Instant};

use arango_server::ArangoServer;
use shylock_arango::{
    AcquireRequest, ArangoBackend, Attempt, Backend, LeaseKey, ReleaseOutcome, RenewOutcome, Renewal,
};

use crate::lab::{DATABASE, LOCKS, query, request, root, started};

const SKEW: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(1);
/// Servers count in whole milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// One backend at each coordinator, the first of which is behind.
async fn both(server: &ArangoServer) -> [ArangoBackend; 2] {
    let connect = |number| ArangoBackend::connect(server.endpoint(number), DATABASE, root());
    let (behind, ahead) = (connect(0).await.expect("connected"), connect(1).await.expect("connected"));
    [behind, ahead]
}

async fn granted(store: &ArangoBackend, request: &AcquireRequest) -> LeaseKey {
    match store.try_acquire(request).await.expect("the store answers") {
        Attempt::Granted(grant) => LeaseKey { name: request.name.clone(), holder: request.holder, token: grant.token },
        Attempt::Held(info) => panic!("{info:?}"),
    }
}

/// A lease is taken over ε after its end in the worst case, and 3ε in the best; never before.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_early() {
    let server = started(ArangoServer::builder().coordinators(&[0, 250]));
    let [behind, ahead] = both(&server).await;
    for (holder, taker, least) in [(&behind, &ahead, TTL + SKEW), (&ahead, &behind, TTL + 3 * SKEW)] {
        let asked = request(&format!("early/{least:?}"));
        let since = Instant::now();
        let lease = granted(holder, &AcquireRequest { ttl: TTL, ..asked.clone() }).await;
        let next = loop {
            match taker.try_acquire(&request(asked.name.as_str())).await.expect("the store answers") {
                Attempt::Granted(grant) => break grant,
                Attempt::Held(info) => tokio::time::sleep(info.takeover_in.min(Duration::from_millis(5))).await,
            }
        };
        let waited = since.elapsed();
        assert!(waited + TICK >= least, "taken over after {waited:?}, not {least:?}");
        assert!(waited < least + Duration::from_secs(2), "taken over after {waited:?}, not {least:?}");
        assert!(next.token > lease.token);
        let renewal = Renewal { lease, ttl: TTL };
        for store in [holder, taker] {
            let outcome = store.renew(std::slice::from_ref(&renewal)).await.expect("the store answers");
            assert_eq!(outcome, [RenewOutcome::NotHeld]);
        }
    }
}

/// Tokens grow whoever gives them, also when the record is gone, as it is after a day: clocks are not a day apart.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_grow_from_clock_to_clock() {
    let server = started(ArangoServer::builder().coordinators(&[0, 250]));
    let both = both(&server).await;
    let mut last = None;
    for round in 0..4 {
        for store in both.iter().cycle().take(6) {
            let lease = granted(store, &request("tokens")).await;
            assert!(Some(lease.token) > last, "{:?} after {last:?}", lease.token);
            last = Some(lease.token);
            assert_eq!(
                store.release(std::slice::from_ref(&lease)).await.expect("the store answers"),
                [ReleaseOutcome::Released]
            );
        }
        let removed = query(
            &server,
            "FOR l IN @@locks FILTER l.name == 'tokens' REMOVE l._key IN @@locks RETURN OLD._key",
            serde_json::json!({ "@locks": LOCKS }),
        );
        assert_eq!(removed.await.len(), 1, "round {round}");
        server.step_clocks(250);
    }
}
