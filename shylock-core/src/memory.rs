//! [`MemoryBackend`]: the reference store, in the memory of one process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, LeaseKey, ListQuery, LockInfo, LockName, ReleaseOutcome,
    RenewOutcome, Renewal, Watch,
    record::{Entry, Taken},
};

/// How long the record of an idle lock is kept. Its token grows on afterwards all the same.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// How many notices may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;
/// There is one server, and one clock.
const NO_SKEW: Duration = Duration::ZERO;

/// A store in memory, for tests and for programs of one process. Clones share it.
///
/// It runs on tokio's clock: where a test pauses time, leases expire in no time. The record of an idle lock is kept for
/// a day at least.
#[derive(Debug, Clone)]
pub struct MemoryBackend(Arc<Mutex<Store>>);

#[derive(Debug)]
struct Store {
    records: BTreeMap<LockName, Entry>,
    /// One reading of both clocks: the server's time is the first, moved on by tokio's.
    started: (Duration, Instant),
    cleaned: Duration,
    listeners: Vec<mpsc::Sender<LockName>>,
}

impl MemoryBackend {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = (wall, Instant::now());
        Self(Arc::new(Mutex::new(Store { records: BTreeMap::new(), started, cleaned: wall, listeners: Vec::new() })))
    }

    /// Removes the record of a lock that nobody holds, as the clean-up does after a day.
    #[cfg(feature = "conformance")]
    pub(crate) fn clean_up(&self, name: &LockName) {
        let mut store = self.store();
        let now = store.now();
        store.records.retain(|key, entry| key != name || entry.record.is_live(now));
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// The server's clock, since 1970.
    fn now(&self) -> Duration {
        self.started.0 + self.started.1.elapsed()
    }

    fn change(&mut self, name: &LockName, entry: Entry) {
        match self.records.get_mut(name) {
            Some(kept) => *kept = entry,
            None => drop(self.records.insert(name.clone(), entry)),
        }
    }

    /// Tells all listeners that a lock has come free.
    fn tell(&mut self, name: &LockName) {
        self.listeners.retain(|listener| listener.try_send(name.clone()).is_ok());
    }

    fn clean_up(&mut self, now: Duration) {
        if now.saturating_sub(self.cleaned) >= RETENTION {
            self.cleaned = now;
            self.records.retain(|_, entry| !entry.record.is_idle(now, RETENTION));
        }
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let name = &request.name;
        match Entry::take(store.records.get(name), request, now, NO_SKEW)? {
            Taken::Granted(entry) => {
                let grant = entry.grant();
                store.change(name, entry);
                store.clean_up(now);
                Ok(Attempt::Granted(grant))
            }
            Taken::Held(info) => Ok(Attempt::Held(info)),
        }
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let renew = |renewal: &Renewal| {
            let name = &renewal.lease.name;
            let entry = store.records.get(name)?.renewed(renewal, now)?;
            store.change(name, entry);
            Some(RenewOutcome::Renewed)
        };
        Ok(leases.iter().map(renew).map(|outcome| outcome.unwrap_or(RenewOutcome::NotHeld)).collect())
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let mut store = self.store();
        let release = |lease: &LeaseKey| {
            let Some(entry) = store.records.get(&lease.name).and_then(|entry| entry.released(lease)) else {
                return ReleaseOutcome::NotHeld;
            };
            store.change(&lease.name, entry);
            store.tell(&lease.name);
            ReleaseOutcome::Released
        };
        Ok(leases.iter().map(release).collect())
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let Some(entry) = store.records.get(&from.name) else { return Ok(HandOff::NotHeld) };
        let Some(next) = entry.handed_off(from, to, now)? else { return Ok(HandOff::NotHeld) };
        let grant = next.grant();
        store.change(&to.name, next);
        Ok(HandOff::Granted(grant))
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let store = self.store();
        let now = store.now();
        let live = store.records.get(name).filter(|entry| entry.record.is_live(now));
        Ok(live.map(|entry| entry.told(name, now, NO_SKEW)))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let store = self.store();
        let now = store.now();
        let live = store.records.iter().filter(|(name, entry)| entry.record.is_live(now) && query.matches(name));
        Ok(live.take(query.limit).map(|(name, entry)| entry.told(name, now, NO_SKEW)).collect())
    }

    /// Its records are typed values, none of which can be corrupt.
    async fn repair(&self, _: &LockName) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let (listener, names) = mpsc::channel(UNHEARD);
        self.store().listeners.push(listener);
        Ok(Watch::Freed(names))
    }
}
