//! The removal of expired documents, in two steps as the real thread does it.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time;

use crate::{
    error::Failure,
    faults::Hooks,
    value::{Value, number},
};

use super::{Access, Author, Begin, Collection, Handle, Origin, Store, Transaction, index::Kind};

/// At most so many are removed by one transaction.
const BATCH: usize = 4000;

/// What a look for expired documents has found. They are still there.
#[must_use = "nothing is removed before `remove`"]
#[derive(Debug)]
pub struct TtlPass {
    store: Arc<Store>,
    found: BTreeMap<Handle, Vec<Expired>>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TtlOutcome {
    /// Documents that are gone.
    pub removed: usize,
    /// Documents that were locked, or had changed since they were found.
    pub skipped: usize,
}

#[derive(Debug)]
struct Expired {
    key: String,
    revision: Value,
}

impl TtlPass {
    pub(crate) fn look(store: &Arc<Store>) -> Self {
        let now = store.ttl_clock.now();
        let state = store.state();
        let found = state.collections.values().map(|collection| (collection.handle(), expired(collection, now)));
        Self { store: Arc::clone(store), found: found.filter(|(_, expired)| !expired.is_empty()).collect() }
    }

    /// How many documents were found expired.
    #[must_use]
    pub fn found(&self) -> usize {
        self.found.values().map(Vec::len).sum()
    }

    /// Removes those that are still as they were found; holds their locks as long as the server
    /// was told to.
    pub async fn remove(self) -> TtlOutcome {
        let mut outcome = TtlOutcome::default();
        for (collection, expired) in &self.found {
            for batch in expired.chunks(BATCH) {
                let removed = self.remove_from(collection, batch).await.unwrap_or(0);
                outcome.removed += removed;
                outcome.skipped += batch.len() - removed;
            }
        }
        outcome
    }

    async fn remove_from(&self, collection: &Handle, expired: &[Expired]) -> Result<usize, Failure> {
        let author = Author { origin: Origin::Ttl, clock: Arc::clone(&self.store.ttl_clock) };
        let begin = Begin {
            store: Arc::clone(&self.store),
            author,
            collections: BTreeMap::from([(collection.clone(), Access::Write)]),
            wait_for_sync: false,
            hooks: Arc::new(Hooks::default()),
        };
        let mut transaction = Transaction::begin(begin).await?;
        let mut removed = 0;
        for Expired { key, revision } in expired {
            if transaction.remove(collection, key, Some(revision)).await.is_ok() {
                removed += 1;
            }
        }
        time::sleep(self.store.settings.ttl_hold).await;
        transaction.commit().await?;
        Ok(removed)
    }
}

fn expired(collection: &Collection, now: i64) -> Vec<Expired> {
    let ttl = collection.indexes.iter().find_map(|index| match index.kind {
        Kind::Ttl { expire_after } => Some((index.fields.first()?, expire_after)),
        Kind::Persistent { .. } => None,
    });
    let Some((field, expire_after)) = ttl else { return Vec::new() };
    let stamp = number::from_integer(now) / 1000.0 - expire_after;
    let is_over = |document: &Value| match document.attribute(field) {
        seconds @ (Value::Int(_) | Value::Double(_)) => (0.0..=stamp).contains(&number::to_f64(&seconds)),
        _ => false,
    };
    let over = collection.all_at(u64::MAX).filter(|(_, document)| is_over(document));
    over.map(|(key, document)| Expired { key: key.clone(), revision: document.attribute("_rev") }).collect()
}
