//! The results cache of single servers: answers of queries that only read, as long as their collections stay as they are.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::Value as Json;

use crate::{
    settings::{CacheMode, Settings},
    store::{Handle, State},
    value::Value,
};

#[derive(Debug, Default)]
pub(crate) struct Results(Mutex<HashMap<Key, Hit>>);

/// What makes two queries the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    database: String,
    text: String,
    values: String,
    count: bool,
}

/// An answer, and what it depends on.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) rows: Vec<Value>,
    pub(crate) extra: Json,
    /// The collections that were read.
    pub(crate) collections: Vec<Handle>,
    /// The last commit that the query has seen.
    pub(crate) snapshot: u64,
}

impl Key {
    /// `None` where the cache is not used: not everywhere, and not by every query.
    pub(crate) fn of(settings: &Settings, database: &str, body: &Json) -> Option<Self> {
        let asked = body["options"]["cache"].as_bool().or_else(|| body["cache"].as_bool());
        let is_used = match settings.results_cache {
            CacheMode::Off => false,
            CacheMode::On => asked.unwrap_or(true),
            CacheMode::Demand => asked.unwrap_or(false),
        };
        (is_used && !settings.cluster).then(|| Self {
            database: database.to_owned(),
            text: body["query"].as_str().unwrap_or_default().to_owned(),
            values: body["bindVars"].to_string(),
            count: body["count"].as_bool().unwrap_or(false),
        })
    }
}

impl Results {
    /// An earlier answer, unless one of its collections has changed since.
    pub(crate) fn find(&self, key: &Key, state: &State) -> Option<Hit> {
        let results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |hit: &&Hit| {
            let unchanged = |of: &Handle| state.collection(of.id).is_ok_and(|of| of.last_change <= hit.snapshot);
            hit.collections.iter().all(unchanged)
        };
        results.get(key).filter(is_current).cloned()
    }

    pub(crate) fn keep(&self, key: Key, hit: Hit) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, hit);
    }
}
