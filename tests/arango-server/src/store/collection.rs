//! Collections and their versions.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use serde_json::{Map, Value as Json};
use tokio::sync::RwLock;

use crate::value::Value;

use super::{Origin, index::Index, sorted::Sorted};

#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) database: String,
    pub(crate) properties: Properties,
    pub(crate) indexes: Vec<Index>,
    /// What is in the indexes that are sorted, by their ids.
    pub(super) sorted: BTreeMap<u64, Sorted>,
    /// Index definitions of types that are only shown.
    pub(crate) foreign_indexes: Vec<Json>,
    pub(crate) documents: BTreeMap<String, Vec<Version>>,
    pub(crate) last_key: u64,
    /// The number of the last commit that changed anything in it.
    pub(crate) last_change: u64,
    pub(crate) created: Created,
    /// Shared by writers; one that wants it for itself waits for all others.
    pub(crate) access: Arc<RwLock<()>>,
}

/// When something came to be, and where: other coordinators may learn of it later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created {
    pub(crate) at: Instant,
    pub(crate) by: Option<Origin>,
}

#[derive(Debug, Clone)]
pub(crate) struct Properties {
    pub(crate) kind: u8,
    pub(crate) wait_for_sync: bool,
    pub(crate) cache_enabled: bool,
    pub(crate) allow_user_keys: bool,
    pub(crate) number_of_shards: u64,
    pub(crate) shard_keys: Vec<String>,
    /// 0 is `satellite`: all servers.
    pub(crate) replication_factor: u64,
    pub(crate) write_concern: u64,
    /// The collection whose shards these ones follow.
    pub(crate) distribute_shards_like: Option<&'static str>,
    /// Attributes that are shown as they were given, and change nothing here.
    pub(crate) shown_only: Map<String, Json>,
}

/// A committed state of a document.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) sequence: u64,
    pub(crate) document: Option<Value>,
}

/// What a query knows of a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// How a transaction uses a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Read,
    Write,
    Exclusive,
}

impl Collection {
    /// Makes the sorted indexes anew.
    pub(crate) fn sort(&mut self) {
        let mut sorted: BTreeMap<u64, Sorted> = BTreeMap::new();
        for index in self.indexes.iter().filter(|index| index.sorts().is_some()) {
            let of_index = sorted.entry(index.id).or_default();
            for (key, document) in self.all_at(u64::MAX) {
                if let Some(entry) = index.entry(document) {
                    of_index.insert(entry, key);
                }
            }
        }
        self.sorted = sorted;
    }

    /// The same for one document that has become another, or none.
    pub(super) fn sort_one(&mut self, key: &str, new: Option<&Value>) {
        let old = self.latest(key).cloned();
        for index in &self.indexes {
            let Some(sorted) = self.sorted.get_mut(&index.id) else { continue };
            if let Some(entry) = old.as_ref().and_then(|old| index.entry(old)) {
                sorted.remove(entry, key);
            }
            if let Some(entry) = new.and_then(|new| index.entry(new)) {
                sorted.insert(entry, key);
            }
        }
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle { id: self.id, name: self.name.clone() }
    }

    /// The document as it was after that commit.
    pub(crate) fn at(&self, key: &str, sequence: u64) -> Option<&Value> {
        visible(self.documents.get(key)?, sequence)
    }

    pub(crate) fn latest(&self, key: &str) -> Option<&Value> {
        self.at(key, u64::MAX)
    }

    /// All documents as they were after that commit, in the order of their keys.
    pub(crate) fn all_at(&self, sequence: u64) -> impl Iterator<Item = (&String, &Value)> {
        self.documents.iter().filter_map(move |(key, versions)| Some((key, visible(versions, sequence)?)))
    }

    /// The number of the last commit that changed the key.
    pub(crate) fn changed(&self, key: &str) -> u64 {
        self.documents.get(key).and_then(|versions| versions.last()).map_or(0, |version| version.sequence)
    }
}

impl Created {
    pub(crate) fn now(by: Option<Origin>) -> Self {
        Self { at: Instant::now(), by }
    }
}

fn visible(versions: &[Version], sequence: u64) -> Option<&Value> {
    versions.iter().rev().find(|version| version.sequence <= sequence)?.document.as_ref()
}
