//! Commits: all versions of a transaction at once, under one sequence number.

use std::{collections::BTreeMap, time::Instant};

use crate::{clock, error::Failure, value::Value};

use super::{AuditEntry, Handle, State, Store, collection::Version, state::Commit, transaction::Author};

/// New versions by collection and key; nothing where the document goes.
pub(super) type Writes = BTreeMap<(u64, String), Option<Value>>;

impl State {
    pub(super) fn publish(&mut self, writes: &Writes, author: &Author, wait_for_sync: bool) -> Result<(), Failure> {
        for (collection, _) in writes.keys() {
            self.collection(*collection)?;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let (server_time, author_time) = (clock::system(), author.clock.now());
        let mut synced = wait_for_sync;
        for ((id, key), document) in writes {
            let Some(collection) = self.collections.get_mut(id) else { continue };
            synced |= collection.properties.wait_for_sync;
            collection.last_change = sequence;
            self.audit.push(AuditEntry {
                sequence,
                server_time,
                author_time,
                origin: author.origin,
                database: collection.database.clone(),
                collection: collection.name.clone(),
                key: key.clone(),
                document: document.as_ref().map(serde_json::Value::from),
                lost: false,
            });
            collection.sort_one(key, document.as_ref());
            let version = Version { sequence, document: document.clone() };
            collection.documents.entry(key.clone()).or_default().push(version);
        }
        self.commits.push(Commit { sequence, at: Instant::now(), synced });
        Ok(())
    }
}

impl Store {
    /// Removes all documents, without regard to locks.
    pub(crate) fn truncate(&self, collection: &Handle, author: &Author) -> Result<(), Failure> {
        let mut state = self.state();
        let documents = state.collection(collection.id)?.all_at(u64::MAX);
        let writes: Writes = documents.map(|(key, _)| ((collection.id, key.clone()), None)).collect();
        if writes.is_empty() { Ok(()) } else { state.publish(&writes, author, false) }
    }
}
