//! Several coordinators, of which one is away or says nothing: calls go on by way of another, and leases live on.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use arango_server::{ArangoServer, Fault, FaultHandle, Point};
use shylock_arango::{ArangoBackend, AsyncLockGuard, Error, LockManager, RequestError, Result};
use shylock_tests::Stopwatch;
use tokio::{
    io,
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    lab::{DATABASE, grants, prepared, root, why},
    secrets::assert_silent,
};

const SKEW: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(3);
const REQUEST: Duration = Duration::from_millis(600);
const CALL: Duration = Duration::from_secs(4);

/// A way to a server that can be closed and opened again.
struct Gate {
    address: SocketAddr,
    server: SocketAddr,
    open: Option<JoinHandle<()>>,
}

impl Gate {
    async fn before(url: &str) -> Self {
        let server = url.trim_start_matches("http://").parse().expect("an address");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gate = Self { address, server, open: None };
        gate.open();
        gate
    }

    fn open(&mut self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).and_then(|()| socket.bind(self.address)).expect("its port");
        let listener = socket.listen(64).expect("its port");
        self.address = listener.local_addr().expect("an address");
        self.open = Some(tokio::spawn(pass(listener, self.server)));
    }

    /// All connections end, and no new ones are taken.
    async fn close(&mut self) {
        let open = self.open.take().expect("it is open");
        open.abort();
        // Everything that it owns is gone with it.
        drop(open.await);
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn pass(listener: TcpListener, server: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut server = TcpStream::connect(server).await?;
            io::copy_bidirectional(&mut client, &mut server).await.map(drop)
        });
    }
}

async fn manager(first: &str, second: &str) -> LockManager {
    let builder = ArangoBackend::builder().endpoint(second).request_timeout(REQUEST).connect_timeout(REQUEST);
    let backend = builder.connect(first, DATABASE, root()).await.expect("connected");
    LockManager::builder(backend).call_timeout(CALL).build().expect("valid")
}

/// It does what it is asked, and never says so. (What waits in it undone, and is done after its client has gone on and
/// finished elsewhere, is a lease that nobody has until its end: safe, and known.)
fn fall_silent(server: &ArangoServer, endpoint: usize) -> FaultHandle {
    server.fault(Fault::at(Point::Answering).on_endpoint(endpoint).pauses().always())
}

/// Calls of all kinds come to their ends.
async fn goes_on(manager: &LockManager, name: &str, when: &str) {
    let since = Instant::now();
    let guard = well(when, "try_acquire", manager.lock(name).try_acquire().await).expect("free");
    // Each is one request, which may be the one that finds out: an old one that comes to its end only now has moved on
    // from an endpoint that is well again.
    if guard.renew().await.is_err() {
        well(when, "renew", guard.renew().await);
    }
    let info = match manager.inspect(name).await {
        Err(_) => manager.inspect(name).await,
        info => info,
    };
    well(when, "inspect", info).expect("held");
    well(when, "release", guard.release().await);
    // One endpoint is tried in vain for no longer than one request may take.
    assert!(since.elapsed() < CALL, "{when}: {:?}", since.elapsed());
}

fn well<T>(when: &str, what: &str, result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{when}: {what}: {error:?}"))
}

/// For longer than a lease: so it was renewed.
async fn lives_on(guard: &AsyncLockGuard, manager: &LockManager, when: &str) {
    let since = Instant::now();
    while since.elapsed() < TTL * 5 / 4 {
        guard.ensure_held().unwrap_or_else(|error| panic!("{when}, after {:?}: {error:?}", since.elapsed()));
        goes_on(manager, "meanwhile", when).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_at_first_is_passed_over() {
    let server = prepared(ArangoServer::builder().coordinators(&[0, 250])).await;
    let closed = {
        let mut gate = Gate::before(&server.endpoint(0)).await;
        gate.close().await;
        gate.url()
    };
    let since = Instant::now();
    let manager = manager(&closed, &server.endpoint(1)).await;
    assert!(since.elapsed() < CALL, "{:?}", since.elapsed());
    goes_on(&manager, "first", "the first is not there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_survives_one_coordinator_after_the_other() {
    let server = prepared(ArangoServer::builder().coordinators(&[0, 250])).await;
    let mut gate = Gate::before(&server.endpoint(0)).await;
    let manager = manager(&gate.url(), &server.endpoint(1)).await;
    let guard = manager.lock("kept").with_ttl(TTL).acquire().await.expect("granted");
    lives_on(&guard, &manager, "all is well").await;
    gate.close().await;
    lives_on(&guard, &manager, "the first is away").await;
    gate.open();
    let silent = fall_silent(&server, 1);
    lives_on(&guard, &manager, "the second is silent").await;
    assert!(silent.hits() > 0, "it was asked");
    server.clear_faults();
    let silent = fall_silent(&server, 0);
    lives_on(&guard, &manager, "the first is silent").await;
    assert!(silent.hits() > 0, "it was asked");
    server.clear_faults();
    guard.release().await.expect("released");
    assert_eq!(grants(&server, "kept", SKEW), 1);
    grants(&server, "meanwhile", SKEW);
}

/// The answer is lost with the first coordinator, and the second recognises the grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_the_first_is_recognised_by_the_second() {
    let server = prepared(ArangoServer::builder().coordinators(&[0, 250])).await;
    let manager = manager(&server.endpoint(0), &server.endpoint(1)).await;
    let lost = server.fault(Fault::at(Point::Committed).on_endpoint(0).on_query("UPSERT").closes());
    let asked_again = server.fault(Fault::at(Point::Received).on_endpoint(1).on_query("UPSERT").always());
    let guard = manager.lock("recognised").acquire_timeout(CALL).await.expect("granted");
    // What is unknown is looked into once more after the grant, in the background.
    assert_eq!(lost.hits(), 1);
    assert!((1..=2).contains(&asked_again.hits()), "{}", asked_again.hits());
    assert_eq!(grants(&server, "recognised", SKEW), 1);
    assert_eq!(manager.inspect("recognised").await.expect("read").expect("held").token, guard.token());
    guard.release().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_it_is_told_in_time_and_passes() {
    let server = prepared(ArangoServer::builder().coordinators(&[0, 250])).await;
    let (mut first, mut second) = (Gate::before(&server.endpoint(0)).await, Gate::before(&server.endpoint(1)).await);
    let manager = manager(&first.url(), &second.url()).await;
    let guard = manager.lock("kept").with_ttl(TTL).acquire().await.expect("granted");
    first.close().await;
    second.close().await;
    let watch = Stopwatch::start();
    let error = manager.lock("other").acquire_timeout(TTL / 3).await.expect_err("nobody is there");
    let took = watch.took();
    assert!(took < TTL / 3 + Stopwatch::OVERRUN, "{took:?}");
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    assert!(matches!(why(&error), RequestError::Undelivered { .. }), "{error:?}");
    assert_silent(&error);
    guard.ensure_held().expect("the lease is not over");
    second.open();
    lives_on(&guard, &manager, "the second is back").await;
    guard.release().await.expect("released");
}

/// Two servers that know nothing of each other would each grant the lock.
#[tokio::test]
async fn endpoints_of_a_single_server_are_refused() {
    let server = prepared(ArangoServer::builder()).await;
    let builder = ArangoBackend::builder().endpoint(server.url());
    let error = builder.connect(server.url(), DATABASE, root()).await.expect_err("refused");
    let Error::InvalidOption { option: "collection", reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("single server"), "{reason}");
}
