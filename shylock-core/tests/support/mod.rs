//! A memory store that misbehaves on command, for the tests of the engine.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, HolderId, LeaseKey, ListQuery, LockInfo, LockManager,
    LockName, MemoryBackend, ReleaseOutcome, RenewOutcome, Renewal, Watch,
};
use tokio::sync::{Notify, mpsc};

mod load;

use load::{Load, UnderWay};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Acquire,
    Renew,
    Release,
    HandOff,
    Look,
    Watch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Neither does it nor answers, until it is hung up.
    Hangs,
    /// Does it, and does not answer until it is hung up.
    HangsAfter,
    /// Does it after this time.
    Delays(Duration),
    /// Does it, and answers after this time.
    AnswersLate(Duration),
    /// Does nothing and says so, asking for this pause.
    Refuses(Option<Duration>),
    /// Does it, and the answer is lost.
    LosesAnswer,
    /// Does it, and the answer is lost, which is known after this time.
    LosesAnswerLate(Duration),
    /// Does nothing, and nobody knows.
    LosesRequest,
    /// Refuses for good.
    Permanent,
    /// Says that the record is not one of ours.
    Corrupt,
}

/// Clones share the store and its faults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    pub(crate) memory: MemoryBackend,
    state: Arc<Mutex<State>>,
    hanging: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    faults: HashMap<Op, (Fault, u32)>,
    load: Load,
    concurrency: Option<usize>,
    /// The streams of freed names, as those who listen have them.
    streams: Vec<mpsc::Sender<LockName>>,
    silent: bool,
    telling: bool,
    /// All who ever asked for a lock.
    holders: Vec<HolderId>,
}

impl Faulty {
    pub(crate) fn manager(&self) -> LockManager {
        LockManager::new(self.clone())
    }

    /// From now on, until told otherwise.
    pub(crate) fn on(&self, op: Op, fault: Fault) {
        self.next(u32::MAX, op, fault);
    }

    /// The next so many times.
    pub(crate) fn next(&self, times: u32, op: Op, fault: Fault) {
        self.state().faults.insert(op, (fault, times));
    }

    pub(crate) fn heal(&self) {
        self.state().faults.clear();
    }

    /// Ends all calls that hang.
    pub(crate) fn hang_up(&self) {
        self.hanging.notify_waiters();
    }

    async fn hung_up<T>(&self) -> Result<T, BackendError> {
        self.hanging.notified().await;
        Err(BackendError::ambiguous("hung up"))
    }

    /// A store that serves so many requests at a time.
    pub(crate) fn with_concurrency(requests: usize) -> Self {
        let store = Self::default();
        store.state().concurrency = Some(requests);
        store
    }

    /// Who holds it, without any fault.
    pub(crate) async fn holder(&self, name: &str) -> Option<LockInfo> {
        self.memory.inspect(&LockName::new(name).expect("a name")).await.expect("memory answers")
    }

    /// Releases the lease of whoever holds it, as another process may, without any fault.
    pub(crate) async fn release(&self, name: &str) {
        let held = self.holder(name).await.expect("held");
        let lease = LeaseKey { name: held.name, holder: held.holder, token: held.token };
        assert_eq!(self.memory.release(&[lease]).await.expect("memory answers"), [ReleaseOutcome::Released]);
    }

    pub(crate) fn holders(&self) -> Vec<HolderId> {
        self.state().holders.clone()
    }

    /// Ends all streams of freed names.
    pub(crate) fn cut(&self) {
        self.state().streams.clear();
    }

    /// The streams stay open, and tell nothing from now on.
    pub(crate) fn keep_silent(&self) {
        self.state().silent = true;
    }

    /// How many streams somebody listens to.
    pub(crate) fn streams(&self) -> usize {
        self.state().streams.iter().filter(|stream| !stream.is_closed()).count()
    }

    /// Tells all who listen what is told here.
    async fn tell(self, mut names: mpsc::Receiver<LockName>) {
        while let Some(name) = names.recv().await {
            let mut state = self.state();
            if !state.silent {
                state.streams.retain(|stream| stream.try_send(name.clone()).is_ok());
            }
        }
    }

    async fn stream(&self) -> Result<Watch, BackendError> {
        let Watch::Freed(names) = self.memory.watch().await? else { panic!("memory tells") };
        let (told, heard) = mpsc::channel(100);
        let mut state = self.state();
        state.streams.push(told);
        if !std::mem::replace(&mut state.telling, true) {
            tokio::spawn(self.clone().tell(names));
        }
        Ok(Watch::Freed(heard))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic in here")
    }

    fn fault(&self, op: Op) -> Option<Fault> {
        let mut state = self.state();
        state.load.count(op);
        let (fault, left) = state.faults.get_mut(&op)?;
        *left = left.checked_sub(1)?;
        Some(*fault)
    }

    async fn faulty<T>(&self, op: Op, call: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
        let _under_way = UnderWay::new(self, op);
        match self.fault(op) {
            None => call.await,
            Some(Fault::Hangs) => self.hung_up().await,
            Some(Fault::HangsAfter) => {
                drop(call.await);
                self.hung_up().await
            }
            Some(Fault::Delays(time)) => {
                tokio::time::sleep(time).await;
                call.await
            }
            Some(Fault::AnswersLate(time)) => {
                let answer = call.await;
                tokio::time::sleep(time).await;
                answer
            }
            Some(Fault::Refuses(retry_after)) => Err(BackendError::not_applied("refused for now", retry_after)),
            Some(Fault::LosesAnswer) => {
                drop(call.await);
                Err(BackendError::ambiguous("the answer was lost"))
            }
            Some(Fault::LosesAnswerLate(time)) => {
                drop(call.await);
                tokio::time::sleep(time).await;
                Err(BackendError::ambiguous("the answer was lost"))
            }
            Some(Fault::LosesRequest) => Err(BackendError::ambiguous("the request was lost")),
            Some(Fault::Permanent) => Err(BackendError::permanent("refused for good")),
            Some(Fault::Corrupt) => Err(BackendError::corrupt(LockName::new("x").expect("a name"), "no number")),
        }
    }
}

#[async_trait]
impl Backend for Faulty {
    fn concurrency(&self) -> usize {
        let told = self.state().concurrency;
        told.unwrap_or_else(|| self.memory.concurrency())
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        self.state().holders.push(request.holder);
        self.faulty(Op::Acquire, self.memory.try_acquire(request)).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        self.note_batch(Op::Renew, leases.len());
        self.faulty(Op::Renew, self.memory.renew(leases)).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        self.note_batch(Op::Release, leases.len());
        self.faulty(Op::Release, self.memory.release(leases)).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        self.faulty(Op::HandOff, self.memory.hand_off(from, to)).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.faulty(Op::Look, self.memory.inspect(name)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.faulty(Op::Look, self.memory.list(query)).await
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        self.faulty(Op::Look, self.memory.repair(name)).await
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        self.faulty(Op::Watch, self.stream()).await
    }
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
