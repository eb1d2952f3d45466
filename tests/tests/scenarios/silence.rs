//! P8, P10 and P14 when the network falls silent: calls end in their time, and what the server did all the same is
//! found out afterwards.

use std::time::{Duration, Instant};

use shylock_mongo::{Error, LockManager, MongoBackend};
use shylock_tests::{Mongo, Stopwatch};
use tokio::time::timeout;

use crate::{fresh, manager, proxy::Proxy};

const LIMIT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_granted_in_the_silence_is_released_after_it() {
    let mongo = Mongo::standalone().await;
    let proxy = Proxy::before(mongo.hosts()).await;
    let uri = format!("mongodb://{}/?directConnection=true", proxy.address);
    let backend = MongoBackend::connect(uri, "shylock_scenarios").await.expect("connected");
    let there = LockManager::builder(backend).call_timeout(LIMIT).build().expect("valid");
    let here = manager(&mongo).await;
    let [wanted, held, given_back] = ["wanted", "held", "given_back"].map(fresh);
    let guard = there.lock(&held).acquire().await.expect("granted");
    let releasing = there.lock(&given_back).acquire().await.expect("granted");

    proxy.fall_silent(true);
    let bounded = async |what: &str, call: &mut dyn FnMut() -> Call| {
        let watch = Stopwatch::start();
        let error = call().await.expect_err("nobody answers");
        let took = watch.took();
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{what}: {error:?}");
        assert!(took <= LIMIT + Stopwatch::OVERRUN, "{what} took {took:?}");
    };
    let lock = there.lock(&wanted);
    bounded("acquire_timeout", &mut || {
        let lock = lock.clone();
        Box::pin(async move { lock.acquire_timeout(LIMIT).await.map(drop) })
    })
    .await;
    bounded("try_acquire", &mut || {
        let lock = lock.clone();
        Box::pin(async move { lock.try_acquire().await.map(drop) })
    })
    .await;
    let mut releasing = Some(releasing);
    bounded("release", &mut || {
        let guard = releasing.take().expect("once");
        Box::pin(async move { guard.release().await })
    })
    .await;
    assert!(here.inspect(&wanted).await.expect("the store answers").is_some(), "the server did what it was asked");
    // Until the driver has noticed: then it interrupts what is under way.
    let noticed = Instant::now();
    while noticed.elapsed() < Duration::from_secs(7) {
        guard.ensure_held().expect("a lease of 30 s survives this");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    proxy.fall_silent(false);
    timeout(Duration::from_secs(30), there.close()).await.expect("all is found out");
    for free in [&wanted, &given_back] {
        assert_eq!(here.inspect(free).await.expect("the store answers"), None, "nobody has {free} any more");
    }
    guard.ensure_held().expect("held all the time");
    guard.release().await.expect("released");
}

/// Answers that are lost on connections which look alive: the driver waits for ever. Each of them holds a connection of
/// its pool, and there are no more than three here.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fell_silent_come_back_to_the_pool() {
    let mongo = Mongo::standalone().await;
    let proxy = Proxy::before(mongo.hosts()).await;
    let uri = format!("mongodb://{}/?directConnection=true&maxPoolSize=3", proxy.address);
    let backend = MongoBackend::connect(uri, "shylock_scenarios").await.expect("connected");
    let there = LockManager::new(backend);
    proxy.swallow(3);
    for _ in 0..3 {
        let error = there.lock(fresh("swallowed")).acquire_timeout(Duration::from_millis(300)).await;
        assert!(matches!(error, Err(Error::Backend { retryable: true, .. })), "{error:?}");
    }
    // Half a minute, and the time for finding out what became of the requests.
    let limit = Duration::from_secs(45);
    let guard = there.lock(fresh("afterwards")).acquire_timeout(limit).await.expect("the pool has connections again");
    guard.release().await.expect("released");
    timeout(limit, there.close()).await.expect("nothing is under way for ever");
}

type Call = std::pin::Pin<Box<dyn Future<Output = shylock_mongo::Result<()>>>>;
