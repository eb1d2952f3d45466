//! One query's view of the data: a snapshot, its own writes, its locks.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard},
    time::timeout,
};

use crate::{
    clock::Clock,
    counters::Counters,
    error::Failure,
    faults::{Hooks, Point},
    value::Value,
};

use super::{
    Access, Collection, Handle, Origin, Range, Store, commit::Writes, index::Index, locks::LockName, sorted::Entry,
};

/// Ends in a commit, or by being dropped: that undoes everything.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(super) store: Arc<Store>,
    id: u64,
    author: Author,
    snapshot: u64,
    pub(super) writes: Writes,
    held: Vec<LockName>,
    wait_for_sync: bool,
    pub(super) hooks: Arc<Hooks>,
    _collections: Vec<Hold>,
}

#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) origin: Origin,
    pub(crate) clock: Arc<Clock>,
}

/// What a transaction needs to begin.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) store: Arc<Store>,
    pub(crate) author: Author,
    pub(crate) collections: BTreeMap<Handle, Access>,
    pub(crate) wait_for_sync: bool,
    pub(crate) hooks: Arc<Hooks>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held until it is dropped")]
enum Hold {
    Shared(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
}

impl Transaction {
    /// Locks the collections, in the order of their ids, and then takes the snapshot.
    pub(crate) async fn begin(begin: Begin) -> Result<Self, Failure> {
        let Begin { store, author, collections, wait_for_sync, hooks } = begin;
        let mut holds = Vec::new();
        for (collection, access) in &collections {
            holds.extend(hold(&store, collection, *access).await?);
        }
        hooks.reach(Point::BeforeSnapshot).await?;
        let (id, snapshot) = {
            let mut state = store.state();
            (state.next_id(), state.sequence)
        };
        hooks.reach(Point::AfterSnapshot).await?;
        Ok(Self {
            store,
            id,
            author,
            snapshot,
            writes: BTreeMap::new(),
            held: Vec::new(),
            wait_for_sync,
            hooks,
            _collections: holds,
        })
    }

    /// The document: as this transaction wrote it, else as it was at the snapshot.
    pub(crate) fn find(&self, collection: &Handle, key: &str) -> Option<Value> {
        if let Some(written) = self.writes.get(&(collection.id, key.to_owned())) {
            return written.clone();
        }
        self.store.state().collection(collection.id).ok()?.at(key, self.snapshot).cloned()
    }

    /// All documents of the snapshot, as this transaction wrote them in queries before.
    pub(crate) fn scan(&self, collection: &Handle) -> Vec<Value> {
        let id = collection.id;
        let state = self.store.state();
        let Ok(collection) = state.collection(id) else { return Vec::new() };
        let unwritten = |key: &String| !self.writes.contains_key(&(id, key.clone()));
        let old = collection.all_at(self.snapshot).filter(|(key, _)| unwritten(key)).map(|(_, document)| document);
        let new = self.writes.iter().filter(|((of, _), _)| *of == id).filter_map(|(_, document)| document.as_ref());
        old.chain(new).cloned().collect()
    }

    pub(crate) fn indexes(&self, collection: &Handle) -> Result<Vec<Index>, Failure> {
        Ok(self.store.state().collection(collection.id)?.indexes.clone())
    }

    /// The documents of the snapshot that an index has within the range, in its order, and how many entries were read.
    pub(crate) fn range(
        &self,
        collection: &Handle,
        index: &Index,
        range: &Range,
    ) -> Result<(Vec<Value>, usize), Failure> {
        let state = self.store.state();
        let Collection { sorted, database, name, .. } = state.collection(collection.id)?;
        let mut keys = sorted.get(&index.id).map(|sorted| sorted.keys(range)).unwrap_or_default();
        // The index is as of the last commit, and this may be older.
        let since = state.audit.partition_point(|entry| entry.sequence <= self.snapshot);
        let changed =
            state.audit[since..].iter().filter(|entry| (&entry.database, &entry.collection) == (database, name));
        keys.extend(changed.map(|entry| entry.key.clone()));
        drop(state);
        keys.extend(self.writes.keys().filter(|(id, _)| *id == collection.id).map(|(_, key)| key.clone()));
        let scanned = keys.len();
        let mut found: Vec<(Entry, Value)> = keys
            .iter()
            .filter_map(|key| self.find(collection, key))
            .filter_map(|document| Some((Entry(index.entry(&document)?), document)))
            .filter(|(entry, _)| range.contains(&entry.0))
            .collect();
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok((found.into_iter().map(|(_, document)| document).collect(), scanned))
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        self.store.tally.count(change);
    }

    pub(crate) const fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// Goes on for another request.
    pub(crate) fn meet(&mut self, hooks: &Arc<Hooks>) {
        self.hooks = Arc::clone(hooks);
    }

    pub(crate) async fn commit(self) -> Result<(), Failure> {
        self.hooks.reach(Point::BeforeCommit).await?;
        let hooks = Arc::clone(&self.hooks);
        self.publish()?;
        drop(self);
        hooks.reach(Point::Committed).await
    }

    /// Locks the key and makes sure that nobody committed it after the snapshot.
    pub(super) async fn lock_key(&mut self, collection: &Handle, key: &str) -> Result<(), Failure> {
        self.lock(LockName::Key { collection: collection.id, key: key.to_owned() }).await?;
        let changed = self.store.state().collection(collection.id)?.changed(key);
        if changed > self.snapshot && self.store.settings.guards.snapshot_validation {
            self.store.tally.count(|counters| counters.late_snapshots += 1);
            return Err(Failure::new(1200, format!("write-write conflict; key: {key}")));
        }
        Ok(())
    }

    pub(super) async fn lock(&mut self, name: LockName) -> Result<(), Failure> {
        if self.held.contains(&name) {
            return Ok(());
        }
        if !self.store.lock(&name, self.id).await {
            self.store.tally.count(|counters| counters.lock_timeouts += 1);
            let message = "timeout waiting to lock key Operation timed out: Timeout waiting to lock key";
            return Err(Failure::new(self.store.settings.key_lock_error, message));
        }
        let first = self.held.is_empty();
        self.held.push(name);
        if first { self.hooks.reach(Point::Locked).await } else { Ok(()) }
    }

    /// What a write meets once it has the lock: without validation that may be newer than what
    /// the query has read.
    pub(super) fn current(&self, collection: &Handle, key: &str) -> Result<Option<Value>, Failure> {
        if let Some(written) = self.writes.get(&(collection.id, key.to_owned())) {
            return Ok(written.clone());
        }
        Ok(self.store.state().collection(collection.id)?.latest(key).cloned())
    }

    fn publish(&self) -> Result<(), Failure> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.store.state().publish(&self.writes, &self.author, self.wait_for_sync)?;
        self.store.tally.count(|counters| counters.commits += 1);
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.store.unlock(&self.held);
    }
}

async fn hold(store: &Store, collection: &Handle, access: Access) -> Result<Option<Hold>, Failure> {
    let lock = Arc::clone(&store.state().collection(collection.id)?.access);
    let patience = store.settings.exclusive_wait;
    let held = match access {
        Access::Read => return Ok(None),
        Access::Write => timeout(patience, lock.read_owned()).await.map(Hold::Shared),
        Access::Exclusive => timeout(patience, lock.write_owned()).await.map(Hold::Alone),
    };
    held.map(Some).map_err(|_| Failure::of(18))
}
