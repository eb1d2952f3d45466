//! [`MemoryBackend`]: the reference store, in the memory of one process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    AcquireRequest, Attempt, Backend, BackendError, Grant, HandOff, HolderInfo, LeaseKey, ListQuery, LockInfo,
    LockName, ReleaseOutcome, RenewOutcome, Renewal, Watch,
    record::{Key, Record, Take, Wish},
};

/// How long the record of an idle lock is kept. Its token grows on afterwards all the same.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// How many notices may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;
/// There is one server, and one clock.
const NO_SKEW: Duration = Duration::ZERO;

/// A store in memory, for tests and for programs of one process. Clones share it.
///
/// It runs on tokio's clock: where a test pauses time, leases expire in no time.
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

/// A lock's record, and what its holder tells others.
#[derive(Debug, Clone)]
struct Entry {
    record: Record,
    info: HolderInfo,
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

    /// Notes what became of a wish. `None`: another has the lock.
    fn settle(&mut self, request: &AcquireRequest, take: Take, now: Duration) -> Result<Option<Grant>, BackendError> {
        let name = &request.name;
        let record = match take {
            Take::Held => return Ok(None),
            Take::NoToken => return Err(BackendError::permanent("there is no larger fencing token")),
            Take::Repeated(record) => {
                self.change(name, record);
                record
            }
            Take::New(record) => {
                self.records.insert(name.clone(), Entry { record, info: request.info.clone() });
                self.clean_up(now);
                record
            }
        };
        Ok(Some(Grant { token: record.token }))
    }

    fn change(&mut self, name: &LockName, record: Record) {
        if let Some(entry) = self.records.get_mut(name) {
            entry.record = record;
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

impl Entry {
    fn info(&self, name: &LockName, now: Duration) -> LockInfo {
        let left = self.record.ends.saturating_sub(now);
        LockInfo {
            name: name.clone(),
            holder: self.record.holder,
            token: self.record.token,
            host: self.info.host.clone(),
            pid: self.info.pid,
            note: self.info.note.clone(),
            acquired: UNIX_EPOCH + self.record.acquired,
            remaining: left,
            takeover_in: left,
        }
    }
}

fn wish(request: &AcquireRequest) -> Wish {
    Wish { holder: request.holder, ttl: request.ttl }
}

fn key(lease: &LeaseKey) -> Key {
    (lease.holder, lease.token)
}

#[async_trait]
impl Backend for MemoryBackend {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let existing = store.records.get(&request.name).map(|entry| &entry.record);
        let take = Record::take(existing, &wish(request), now, NO_SKEW);
        let grant = store.settle(request, take, now)?;
        // Only somebody who is on record can be in the way.
        Ok(grant.map_or_else(|| Attempt::Held(store.records[&request.name].info(&request.name, now)), Attempt::Granted))
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let renew = |Renewal { lease, ttl }: &Renewal| {
            let record = store.records.get(&lease.name)?.record.renewed(key(lease), *ttl, now)?;
            store.change(&lease.name, record);
            Some(RenewOutcome::Renewed)
        };
        Ok(leases.iter().map(renew).map(|outcome| outcome.unwrap_or(RenewOutcome::NotHeld)).collect())
    }

    async fn release(&self, lease: &LeaseKey) -> Result<ReleaseOutcome, BackendError> {
        let mut store = self.store();
        let released = store.records.get(&lease.name).and_then(|entry| entry.record.released(key(lease)));
        let Some(record) = released else { return Ok(ReleaseOutcome::NotHeld) };
        store.change(&lease.name, record);
        store.tell(&lease.name);
        Ok(ReleaseOutcome::Released)
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let Some(entry) = store.records.get(&from.name) else { return Ok(HandOff::NotHeld) };
        let take = entry.record.handed_off(key(from), &wish(to), now);
        Ok(store.settle(to, take, now)?.map_or(HandOff::NotHeld, HandOff::Granted))
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let store = self.store();
        let now = store.now();
        let live = store.records.get(name).filter(|entry| entry.record.is_live(now));
        Ok(live.map(|entry| entry.info(name, now)))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let store = self.store();
        let now = store.now();
        let wanted = |name: &LockName| {
            name.as_str().starts_with(&query.prefix) && query.after.as_ref().is_none_or(|after| name > after)
        };
        let live = store.records.iter().filter(|(name, entry)| entry.record.is_live(now) && wanted(name));
        Ok(live.take(query.limit).map(|(name, entry)| entry.info(name, now)).collect())
    }

    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let Some(entry) = store.records.get_mut(name) else { return Ok(None) };
        let Some(record) = entry.record.broken(now) else { return Ok(None) };
        let info = entry.info(name, now);
        entry.record = record;
        store.tell(name);
        Ok(Some(info))
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let (listener, names) = mpsc::channel(UNHEARD);
        self.store().listeners.push(listener);
        Ok(Watch::Freed(names))
    }
}
