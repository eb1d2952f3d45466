//! Logins that expire, at any moment: no call fails for it, and of many one logs in.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use arango_server::{ArangoServer, Fault, FaultHandle, Point};
use shylock_arango::{AsyncLockGuard, Backend, LockManager, Result};

use crate::lab::{connected, manager, named, prepared};

const MANY: u64 = 40;

type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

fn paused(server: &ArangoServer) -> FaultHandle {
    server.fault(Fault::at(Point::Received).on_path("/_api/cursor").pauses().always())
}

/// The calls of a lock's life; the guard is for those that need one.
fn calls(manager: &LockManager, guard: impl Fn() -> AsyncLockGuard) -> Vec<(&'static str, Call)> {
    let (lock, one) = (manager.lock("expiring"), || manager.clone());
    let (renewing, releasing) = (guard(), guard());
    let [inspecting, listing, breaking] = [one(), one(), one()];
    vec![
        ("acquire", Box::pin(async move { lock.acquire().await?.release().await })),
        (
            "renew",
            Box::pin(async move {
                renewing.renew().await?;
                renewing.release().await
            }),
        ),
        ("release", Box::pin(async move { releasing.release().await })),
        ("inspect", Box::pin(async move { inspecting.inspect("expiring").await.map(drop) })),
        ("list", Box::pin(async move { listing.list("").await.map(drop) })),
        ("force_break", Box::pin(async move { breaking.force_break("expiring").await.map(drop) })),
    ]
}

/// The request has arrived, and is judged by a token that was good when it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_may_expire_in_the_middle_of_any_call() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    let mut held = Vec::new();
    for name in ["renewed", "released"] {
        held.push(manager.lock(name).acquire().await.expect("granted"));
    }
    let held = std::sync::Mutex::new(held);
    for (what, call) in calls(&manager, || held.lock().expect("no panic").remove(0)) {
        let logins = server.counters().logins;
        let refused = server.counters().errors.get(&11).copied().unwrap_or_default();
        let arrived = paused(&server);
        let calling = tokio::spawn(call);
        arrived.reached(1).await;
        server.expire_sessions();
        server.clear_faults();
        calling.await.expect("no panic").unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let counters = server.counters();
        assert_eq!(counters.errors.get(&11), Some(&(refused + 1)), "{what}: it was refused");
        assert_eq!(counters.logins, logins + 1, "{what}: one login");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_are_refused_one_logs_in() {
    let server = prepared(ArangoServer::builder()).await;
    let backend = connected(&server).await;
    let logins = server.counters().logins;
    let arrived = paused(&server);
    let asking = server.fault(Fault::at(Point::Answering).on_path("/_open/auth").always());
    let calls: Vec<_> = (0..MANY)
        .map(|number| {
            let backend = backend.clone();
            tokio::spawn(async move { backend.inspect(&named(&format!("many-{number}"))).await })
        })
        .collect();
    arrived.reached(MANY).await;
    server.expire_sessions();
    arrived.resume();
    for call in calls {
        assert_eq!(call.await.expect("no panic").expect("answered"), None);
    }
    assert_eq!(server.counters().errors.get(&11), Some(&MANY), "all were refused");
    assert_eq!((server.counters().logins, asking.hits()), (logins + 1, 1));
}

/// Tokens of two seconds, by a clock of whole seconds: some are renewed in time, some are refused first.
#[tokio::test(flavor = "multi_thread")]
async fn short_logins_cost_no_call() {
    let server = prepared(ArangoServer::builder().session(Duration::from_secs(2))).await;
    let manager = manager(&server).await;
    let kept = manager.lock("kept").with_ttl(Duration::from_secs(3)).acquire().await.expect("granted");
    let (since, mut turns) = (Instant::now(), 0);
    while since.elapsed() < Duration::from_secs(6) {
        let guard = manager.lock("short").acquire().await.unwrap_or_else(|e| panic!("turn {turns}: {e:?}"));
        guard.renew().await.unwrap_or_else(|e| panic!("turn {turns}: {e:?}"));
        guard.release().await.unwrap_or_else(|e| panic!("turn {turns}: {e:?}"));
        kept.ensure_held().expect("renewed all the time");
        turns += 1;
    }
    let logins = server.counters().logins;
    assert!((4..=12).contains(&logins), "{logins} logins in {turns} turns");
    kept.release().await.expect("released");
}
