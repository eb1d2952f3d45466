//! The conformance suite of [`shylock_core::conformance`], through blocking calls (feature `conformance`).
//!
//! Any store's fixture will do: `conformance_tests!(Blocking::new(fixture().await))`.

use std::{
    fmt,
    future::Future,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, BackendError, HandOff, ListQuery, ReleaseOutcome, RenewOutcome, Renewal, Watch,
    conformance::{Client, ClientClock, Defect, Fixture, HeldLock, Waiting},
};

use crate::{
    Backend, FencingToken, LeaseKey, Lock, LockGuard, LockInfo, LockManager, LockName, Loss, Result, block_on,
    runtime::on_a_thread,
};

/// A thread that has said that it is about to wait is in line after this. Nothing tells when another thread has
/// entered a blocking call.
const UNTIL_IN_LINE: Duration = Duration::from_millis(200);

/// A fixture whose store is connected, asked and locked by blocking calls only.
pub struct Blocking<F>(Arc<F>);

impl<F: Fixture> Blocking<F> {
    /// The same store as that fixture's, used by threads.
    pub fn new(fixture: F) -> Self {
        Self(Arc::new(fixture))
    }
}

#[async_trait]
impl<F: Fixture> Fixture for Blocking<F> {
    async fn handle(&self, clock: ClientClock) -> Arc<dyn Backend> {
        let fixture = Arc::clone(&self.0);
        Arc::new(Asked(through(async move { fixture.handle(clock).await }).await))
    }

    async fn unanswered(&self) -> Option<Arc<dyn Backend>> {
        let fixture = Arc::clone(&self.0);
        let store = through(async move { fixture.unanswered().await }).await?;
        Some(Arc::new(Asked(store)))
    }

    fn client(&self, store: Arc<dyn Backend>) -> Arc<dyn Client> {
        Arc::new(Threads(LockManager::from(store)))
    }

    fn skew_allowance(&self) -> Duration {
        self.0.skew_allowance()
    }

    fn notifies(&self) -> bool {
        self.0.notifies()
    }

    async fn clean_up(&self, name: &LockName) {
        self.0.clean_up(name).await;
    }

    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        self.0.plant(name, defect).await
    }

    async fn stored(&self, name: &LockName) -> String {
        self.0.stored(name).await
    }
}

impl<F> fmt::Debug for Blocking<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// Waits for a future in a blocking call, on a thread.
async fn through<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    on_a_thread(|| block_on(work)).await
}

/// The locks of a process whose threads block.
#[derive(Debug)]
struct Threads(LockManager);

#[async_trait]
impl Client for Threads {
    async fn queue_up(&self, name: &LockName, patience: Option<Duration>) -> Waiting {
        let lock = self.0.lock(name);
        let (tell, about_to_wait) = mpsc::channel();
        let waiting = on_a_thread(move || {
            tell.send(()).expect("somebody wants to know");
            match patience {
                None => lock.acquire().map(Some),
                // What it fails with is no matter: it gives up.
                Some(patience) => Ok(lock.acquire_timeout(patience.max(Duration::from_micros(1))).ok()),
            }
        });
        on_a_thread(move || {
            about_to_wait.recv().expect("the other thread says so");
            thread::sleep(patience.unwrap_or(UNTIL_IN_LINE).min(UNTIL_IN_LINE));
        })
        .await;
        Box::pin(async move { Ok(waiting.await?.map(held)) })
    }

    async fn try_acquire(&self, name: &LockName) -> Result<Option<Box<dyn HeldLock>>> {
        let lock: Lock = self.0.lock(name);
        Ok(on_a_thread(move || lock.try_acquire()).await?.map(held))
    }

    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>> {
        let (manager, name) = (self.0.clone(), name.clone());
        on_a_thread(move || manager.force_break(&name)).await
    }

    async fn close(&self) {
        let manager = self.0.clone();
        on_a_thread(move || manager.close()).await.expect("the runtime runs");
    }
}

fn held(guard: LockGuard) -> Box<dyn HeldLock> {
    Box::new(Shared(Arc::new(guard)))
}

/// A guard that is lent to the threads that wait for something of it.
struct Shared(Arc<LockGuard>);

impl Shared {
    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce(&LockGuard) -> T + Send + 'static) -> T {
        let guard = Arc::clone(&self.0);
        on_a_thread(move || work(&guard)).await
    }
}

#[async_trait]
impl HeldLock for Shared {
    fn token(&self) -> FencingToken {
        self.0.token()
    }

    async fn renew(&self) -> Result<()> {
        self.on_a_thread(LockGuard::renew).await
    }

    async fn lost(&self) -> Loss {
        self.on_a_thread(LockGuard::wait_lost).await
    }

    async fn release(self: Box<Self>) -> Result<()> {
        let guard = Arc::into_inner(self.0).expect("nobody else uses the guard");
        on_a_thread(move || guard.release()).await
    }
}

/// A store that is asked by blocking calls.
#[derive(Debug)]
struct Asked(Arc<dyn Backend>);

#[async_trait]
impl Backend for Asked {
    fn concurrency(&self) -> usize {
        self.0.concurrency()
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let (store, request) = (Arc::clone(&self.0), request.clone());
        through(async move { store.try_acquire(&request).await }).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let (store, leases) = (Arc::clone(&self.0), leases.to_vec());
        through(async move { store.renew(&leases).await }).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let (store, leases) = (Arc::clone(&self.0), leases.to_vec());
        through(async move { store.release(&leases).await }).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let (store, from, to) = (Arc::clone(&self.0), from.clone(), to.clone());
        through(async move { store.hand_off(&from, &to).await }).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let (store, name) = (Arc::clone(&self.0), name.clone());
        through(async move { store.inspect(&name).await }).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let (store, query) = (Arc::clone(&self.0), query.clone());
        through(async move { store.list(&query).await }).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let (store, name) = (Arc::clone(&self.0), name.clone());
        through(async move { store.repair(&name).await }).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let store = Arc::clone(&self.0);
        through(async move { store.watch().await }).await
    }
}
