//! [`Lab`]: two handles on one store, and the verbs that the tests are written in.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::time::{self, Instant};

use super::{Client, ClientClock, Fixture, HeldLock};
use crate::{AcquireRequest, Attempt, Backend, HolderId, HolderInfo, LeaseKey, LockInfo, LockName, ReleaseOutcome};

/// Longer than any answer of a store that works.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The lease of a test that does not wait for its end.
pub(super) const LONG: Duration = Duration::from_secs(30);
/// The lease of a test that does.
pub(super) const SHORT: Duration = Duration::from_secs(1);

/// Two independent handles on one store, as two processes have them.
pub struct Lab {
    pub(super) a: Arc<dyn Backend>,
    pub(super) b: Arc<dyn Backend>,
    pub(super) fixture: Arc<dyn Fixture>,
}

impl Lab {
    /// A lab for one test.
    pub async fn new(fixture: impl Fixture) -> Self {
        let a = fixture.handle(ClientClock::True).await;
        let b = fixture.handle(ClientClock::True).await;
        Self { a, b, fixture: Arc::new(fixture) }
    }

    /// When at the latest a lease of this length is free, from its grant on, and some time for the store's work.
    pub(super) fn taken_over_within(&self, ttl: Duration) -> Duration {
        ttl + 2 * self.fixture.skew_allowance() + Duration::from_secs(2)
    }

    /// The users of two processes.
    pub(super) fn clients(&self) -> (Arc<dyn Client>, Arc<dyn Client>) {
        (self.fixture.client(Arc::clone(&self.a)), self.fixture.client(Arc::clone(&self.b)))
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab").field("a", &self.a).field("b", &self.b).finish_non_exhaustive()
    }
}

/// A name that no other test uses.
pub(super) fn fresh_name(test: &str) -> LockName {
    let id = HolderId::random().expect("random numbers");
    LockName::new(format!("{test}/{:032x}", u128::from_be_bytes(*id.as_bytes()))).expect("a valid name")
}

/// A request of a new acquisition.
pub(super) fn request(name: &LockName, ttl: Duration) -> AcquireRequest {
    let holder = HolderId::random().expect("random numbers");
    AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() }
}

/// The lease that the store must grant.
pub(super) async fn acquire(store: &Arc<dyn Backend>, request: &AcquireRequest) -> LeaseKey {
    match store.try_acquire(request).await.expect("the store answers") {
        Attempt::Granted(grant) => lease(request, grant.token),
        Attempt::Held(info) => panic!("a free lock was refused: {info:?}"),
    }
}

/// The outcome of the release of one lease.
pub(super) async fn release(store: &Arc<dyn Backend>, lease: &LeaseKey) -> ReleaseOutcome {
    let outcomes = store.release(std::slice::from_ref(lease)).await.expect("the store answers");
    let [outcome] = outcomes[..] else { panic!("one lease, and not one outcome: {outcomes:?}") };
    outcome
}

/// The holder that the store must name instead of a grant.
pub(super) async fn refused(store: &Arc<dyn Backend>, request: &AcquireRequest) -> LockInfo {
    match store.try_acquire(request).await.expect("the store answers") {
        Attempt::Held(info) => info,
        Attempt::Granted(grant) => panic!("a held lock was granted again: {grant:?}"),
    }
}

/// Asks again and again until the lease is granted, as a waiter does.
pub(super) async fn acquire_when_free(store: &Arc<dyn Backend>, request: &AcquireRequest) -> LeaseKey {
    let since = Instant::now();
    loop {
        match store.try_acquire(request).await.expect("the store answers") {
            Attempt::Granted(grant) => return lease(request, grant.token),
            Attempt::Held(info) => assert!(since.elapsed() < PATIENCE, "the lock never came free: {info:?}"),
        }
        time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a user gets who waits for the lock, unless it takes too long.
pub(super) async fn acquired(client: &Arc<dyn Client>, name: &LockName) -> Box<dyn HeldLock> {
    let waiting = client.queue_up(name, None).await;
    in_time("acquisition", waiting).await.expect("granted").expect("it waits as long as it takes")
}

/// Who holds the lock.
pub(super) async fn holder(store: &Arc<dyn Backend>, name: &LockName) -> Option<LockInfo> {
    store.inspect(name).await.expect("the store answers")
}

pub(super) fn lease(request: &AcquireRequest, token: crate::FencingToken) -> LeaseKey {
    LeaseKey { name: request.name.clone(), holder: request.holder, token }
}

/// Waits for another millisecond, which gives even a store without a memory another token.
pub(super) async fn next_millisecond() {
    time::sleep(Duration::from_millis(2)).await;
}

/// The outcome, unless it takes too long.
pub(super) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took longer than {PATIENCE:?}"))
}
