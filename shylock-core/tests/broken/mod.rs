//! A store of untyped records, as a database has them, that can be told to have a bug.

mod bug;
mod fixture;
mod record;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
pub(crate) use bug::Bug;
pub(crate) use fixture::BrokenFixture;
use record::{Field, Record};
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, FencingToken, Grant, HandOff, HolderId, LeaseKey, ListQuery,
    LockInfo, LockName, ReleaseOutcome, RenewOutcome, Renewal, Watch,
};
use tokio::{sync::mpsc, time::Instant};

#[derive(Debug, Clone)]
struct Handle {
    bug: Option<Bug>,
    store: Arc<Mutex<Store>>,
    /// How far the wall clock of this client is ahead, in milliseconds.
    ahead: i64,
    /// Whether no answer arrives.
    cut_off: bool,
}

#[derive(Debug)]
struct Store {
    records: BTreeMap<String, Record>,
    started: Instant,
    first_asked: HashMap<HolderId, i64>,
    listeners: Vec<mpsc::Sender<LockName>>,
}

/// The server's clock starts here, in milliseconds.
const EPOCH: i64 = 1_700_000_000_000;

impl Handle {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn key(&self, name: &LockName) -> String {
        if self.has(Bug::FoldsNames) { name.as_str().to_lowercase() } else { name.to_string() }
    }

    fn now(&self, store: &Store) -> i64 {
        let server = EPOCH + i64::try_from(store.started.elapsed().as_millis()).expect("soon");
        if self.has(Bug::ExpiresOnTheClientsClock) { server + self.ahead } else { server }
    }

    /// The record, checked unless that is the bug.
    fn read<'a>(&self, store: &'a mut Store, name: &LockName) -> Result<Option<&'a mut Record>, BackendError> {
        let now = self.now(store);
        let Some(record) = store.records.get_mut(&self.key(name)) else { return Ok(None) };
        if !self.has(Bug::TrustsTheRecord) {
            record.check(now).map_err(|detail| BackendError::corrupt(name.clone(), detail))?;
        }
        Ok(Some(record))
    }

    fn is_live(&self, record: &Record, now: i64) -> bool {
        let ends = record.ends.number();
        let held = record.holder() != [0; 16];
        held && match self.bug {
            Some(Bug::WaitsForTheJanitor) => ends > now || now < (ends / 60_000 + 1) * 60_000,
            Some(Bug::TakesEarly) => ends - record.ttl / 10 > now,
            _ => ends > now,
        }
    }

    fn grant(&self, store: &mut Store, request: &AcquireRequest) -> Grant {
        let now = self.now(store);
        let before = store.records.get(&self.key(&request.name)).cloned();
        let previous = before.as_ref().map(|record| record.token.number()).and_then(|t| u64::try_from(t).ok());
        let counted = previous.unwrap_or_default() + 1;
        let by_clock =
            FencingToken::following(previous.and_then(FencingToken::new), u64::try_from(now).expect("after 1970"));
        let token = match self.bug {
            Some(Bug::TokenRestartsAfterCleanUp) => FencingToken::new(counted),
            _ => by_clock,
        };
        let token = token.expect("a token");
        let first = *store.first_asked.entry(request.holder).or_insert(now);
        let ttl = i64::try_from(request.ttl.as_millis()).expect("short");
        let start = if self.has(Bug::WaitingShortensTheLease) { first } else { now };
        let info = request.info.clone();
        let record = Record::new(request.holder, token, start + ttl, ttl, info, now);
        store.records.insert(self.key(&request.name), record);
        Grant { token }
    }

    fn tell(&self, store: &Store, name: &LockName) {
        let told = if self.has(Bug::TellsOnlyTheFirst) { 1 } else { usize::MAX };
        store.listeners.iter().take(told).for_each(|listener| drop(listener.try_send(name.clone())));
    }

    /// Fails a look at a store that is out of reach.
    fn connected(&self) -> Result<(), BackendError> {
        let error = BackendError::ambiguous("cut off");
        match (self.cut_off, self.has(Bug::FailsLooksUnknown)) {
            (false, _) => Ok(()),
            (true, true) => Err(error),
            (true, false) => Err(error.of_look()),
        }
    }

    fn info(&self, record: &Record, name: &LockName, now: i64) -> LockInfo {
        let mut info = record.info(name, now);
        if self.has(Bug::TellsNoPid) {
            info.pid = None;
        }
        info
    }
}

impl Handle {
    fn release_one(&self, lease: &LeaseKey) -> ReleaseOutcome {
        let mut store = self.store();
        let (by_name, again) = (self.has(Bug::ReleasesByName), self.has(Bug::RepeatedReleaseIsReleased));
        let record = self.read(&mut store, &lease.name).ok().flatten();
        let same_token = |r: &Record| r.token().is_some_and(|token| token == lease.token) && r.holder() == [0; 16];
        let record = record.filter(|r| by_name || owns(r, lease) || again && same_token(r));
        let Some(record) = record.filter(|r| again || r.holder() != [0; 16]) else { return ReleaseOutcome::NotHeld };
        record.free();
        self.tell(&store, &lease.name);
        if self.has(Bug::TokenRestartsAfterRelease) {
            store.records.remove(&self.key(&lease.name));
        }
        ReleaseOutcome::Released
    }
}

/// Whether the record is this lease's, not released.
fn owns(record: &Record, lease: &LeaseKey) -> bool {
    record.holder() == *lease.holder.as_bytes()
        && record.token.number() == i64::try_from(lease.token.get()).expect("a token")
}

#[async_trait]
impl Backend for Handle {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        {
            let mut store = self.store();
            let now = self.now(&store);
            store.first_asked.entry(request.holder).or_insert(now);
            if let Some(record) = self.read(&mut store, &request.name)? {
                let mine = record.holder() == *request.holder.as_bytes() && !self.has(Bug::RepeatedRequestIsRefused);
                if record.is_held(now) && mine {
                    let ends = now + i64::try_from(request.ttl.as_millis()).expect("short");
                    record.ends = Field::Number(ends.max(record.ends.number()));
                    return Ok(Attempt::Granted(Grant { token: record.token().expect("ours") }));
                }
                let record = record.clone();
                if self.is_live(&record, now) {
                    return Ok(Attempt::Held(self.info(&record, &request.name, now)));
                }
            }
        }
        if self.has(Bug::ChecksThenActs) {
            tokio::task::yield_now().await;
        }
        Ok(Attempt::Granted(self.grant(&mut self.store(), request)))
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let mut outcomes = Vec::new();
        let mut store = self.store();
        let now = self.now(&store);
        for Renewal { lease, ttl } in leases {
            let ends = now + i64::try_from(ttl.as_millis()).expect("short");
            let (any_owner, revive) = (self.has(Bug::RenewsByName), self.has(Bug::RenewsAnExpiredLease));
            let shorten = self.has(Bug::RenewalShortens);
            let record = self.read(&mut store, &lease.name).ok().flatten();
            let renewed = record.filter(|r| any_owner || owns(r, lease)).filter(|r| revive || r.ends.number() > now);
            outcomes.push(renewed.map_or(RenewOutcome::NotHeld, |record| {
                record.ends = Field::Number(if shorten { ends } else { ends.max(record.ends.number()) });
                RenewOutcome::Renewed
            }));
        }
        if self.has(Bug::AnswersTheBatchAsOne) && outcomes.contains(&RenewOutcome::Renewed) {
            outcomes.fill(RenewOutcome::Renewed);
        }
        Ok(outcomes)
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let mut outcomes: Vec<_> = leases.iter().map(|lease| self.release_one(lease)).collect();
        if self.has(Bug::AnswersTheReleasesAsOne) && outcomes.contains(&ReleaseOutcome::Released) {
            outcomes.fill(ReleaseOutcome::Released);
        }
        Ok(outcomes)
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let mut store = self.store();
        let by_name = self.has(Bug::HandsOffByName);
        let record = self.read(&mut store, &from.name).ok().flatten().map(|record| record.clone());
        let Some(before) = record.filter(|r| by_name && r.holder() != [0; 16] || owns(r, from)) else {
            return Ok(HandOff::NotHeld);
        };
        let grant = self.grant(&mut store, to);
        if let Some(record) =
            store.records.get_mut(&self.key(&from.name)).filter(|_| self.has(Bug::HandsOffTheOldLease))
        {
            record.ends = before.ends;
        }
        Ok(HandOff::Granted(grant))
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.connected()?;
        let mut store = self.store();
        let now = self.now(&store);
        let record = self.read(&mut store, name)?.cloned();
        Ok(record.filter(|record| record.is_held(now)).map(|record| self.info(&record, name, now)))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.connected()?;
        let store = self.store();
        let now = self.now(&store);
        let wanted = |name: &LockName| {
            name.as_str().starts_with(&query.prefix) && query.after.as_ref().is_none_or(|after| name > after)
        };
        let found = store.records.iter().filter_map(|(name, record)| Some((LockName::new(name).ok()?, record)));
        let all = self.has(Bug::ListsTheFree);
        let held = found.filter(|(name, record)| wanted(name) && (all || record.is_held(now)));
        Ok(held.take(query.limit).map(|(name, record)| self.info(record, &name, now)).collect())
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let mut store = self.store();
        let (now, key) = (self.now(&store), self.key(name));
        let Some(record) = store.records.get(&key) else { return Ok(false) };
        if record.check(now).is_ok() && !self.has(Bug::RepairsTheSound) {
            return Ok(false);
        }
        let repaired = record.repaired(now);
        if self.has(Bug::RepairForgetsTheToken) {
            store.records.remove(&key);
        } else {
            store.records.insert(key, repaired);
        }
        self.tell(&store, name);
        Ok(true)
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        let (listener, names) = mpsc::channel(100);
        self.store().listeners.push(listener);
        Ok(Watch::Freed(names))
    }
}
