//! [`MemoryBackend`]: the reference store, in the memory of one process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    AcquireRequest, Attempt, Backend, BackendError, FencingToken, Grant, HandOff, HolderId, HolderInfo, LeaseKey,
    ListQuery, LockInfo, LockName, ReleaseOutcome, RenewOutcome, Renewal, Watch,
};

/// How long the record of an idle lock is kept. Its token grows on afterwards all the same.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// How many notices may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;

/// A store in memory, for tests and for programs of one process. Clones share it.
///
/// It runs on tokio's clock: where a test pauses time, leases expire in no time.
#[derive(Debug, Clone)]
pub struct MemoryBackend(Arc<Mutex<Store>>);

#[derive(Debug)]
struct Store {
    records: BTreeMap<LockName, Record>,
    /// One reading of both clocks: the server's time is the first, moved on by tokio's.
    started: (Duration, Instant),
    cleaned: Duration,
    listeners: Vec<mpsc::Sender<LockName>>,
}

#[derive(Debug, Clone)]
struct Record {
    token: FencingToken,
    /// The last holder; a live one only while `ends` is later than now.
    holder: HolderId,
    info: HolderInfo,
    acquired: Duration,
    /// On the server's clock since 1970; zero when it is free.
    ends: Duration,
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
        store.records.retain(|key, record| key != name || record.ends > now);
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

    fn live(&mut self, name: &LockName) -> Option<&mut Record> {
        let now = self.now();
        self.records.get_mut(name).filter(|record| record.ends > now)
    }

    /// The record, if this lease was neither released nor taken over. It may have ended.
    fn of(&mut self, lease: &LeaseKey) -> Option<&mut Record> {
        let owned = |record: &&mut Record| (record.holder, record.token) == (lease.holder, lease.token);
        self.records.get_mut(&lease.name).filter(owned).filter(|record| !record.ends.is_zero())
    }

    fn grant(&mut self, request: &AcquireRequest) -> Result<Grant, BackendError> {
        let now = self.now();
        self.clean_up(now);
        let previous = self.records.get(&request.name).map(|record| record.token);
        let token = u64::try_from(now.as_millis()).ok().and_then(|ms| FencingToken::following(previous, ms));
        let token = token.ok_or_else(|| BackendError::permanent("there is no larger fencing token"))?;
        let record = Record {
            token,
            holder: request.holder,
            info: request.info.clone(),
            acquired: now,
            ends: now.saturating_add(request.ttl),
        };
        self.records.insert(request.name.clone(), record);
        Ok(Grant { token })
    }

    /// Tells all listeners that a lock has come free.
    fn tell(&mut self, name: &LockName) {
        self.listeners.retain(|listener| listener.try_send(name.clone()).is_ok());
    }

    fn clean_up(&mut self, now: Duration) {
        if now.saturating_sub(self.cleaned) >= RETENTION {
            self.cleaned = now;
            self.records.retain(|_, record| record.acquired.max(record.ends).saturating_add(RETENTION) > now);
        }
    }
}

impl Record {
    fn info(&self, name: &LockName, now: Duration) -> LockInfo {
        let left = self.ends.saturating_sub(now);
        LockInfo {
            name: name.clone(),
            holder: self.holder,
            token: self.token,
            host: self.info.host.clone(),
            pid: self.info.pid,
            note: self.info.note.clone(),
            acquired: UNIX_EPOCH + self.acquired,
            remaining: left,
            takeover_in: left,
        }
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let mut store = self.store();
        let now = store.now();
        match store.live(&request.name) {
            Some(record) if record.holder == request.holder => {
                record.ends = record.ends.max(now.saturating_add(request.ttl));
                Ok(Attempt::Granted(Grant { token: record.token }))
            }
            Some(record) => Ok(Attempt::Held(record.info(&request.name, now))),
            None => store.grant(request).map(Attempt::Granted),
        }
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let renew = |Renewal { lease, ttl }: &Renewal| {
            store.of(lease).filter(|record| record.ends > now).map_or(RenewOutcome::NotHeld, |record| {
                record.ends = record.ends.max(now.saturating_add(*ttl));
                RenewOutcome::Renewed
            })
        };
        Ok(leases.iter().map(renew).collect())
    }

    async fn release(&self, lease: &LeaseKey) -> Result<ReleaseOutcome, BackendError> {
        let mut store = self.store();
        let Some(record) = store.of(lease) else { return Ok(ReleaseOutcome::NotHeld) };
        record.ends = Duration::ZERO;
        store.tell(&lease.name);
        Ok(ReleaseOutcome::Released)
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let mut store = self.store();
        match store.of(from) {
            Some(_) => store.grant(to).map(HandOff::Granted),
            None => Ok(HandOff::NotHeld),
        }
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        Ok(store.live(name).map(|record| record.info(name, now)))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let store = self.store();
        let now = store.now();
        let wanted = |name: &LockName| {
            name.as_str().starts_with(&query.prefix) && query.after.as_ref().is_none_or(|after| name > after)
        };
        let live = store.records.iter().filter(|(name, record)| record.ends > now && wanted(name));
        Ok(live.take(query.limit).map(|(name, record)| record.info(name, now)).collect())
    }

    async fn force_break(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let mut store = self.store();
        let now = store.now();
        let Some(record) = store.live(name) else { return Ok(None) };
        let info = record.info(name, now);
        record.ends = Duration::ZERO;
        store.tell(name);
        Ok(Some(info))
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let (listener, names) = mpsc::channel(UNHEARD);
        self.store().listeners.push(listener);
        Ok(Watch::Freed(names))
    }
}
