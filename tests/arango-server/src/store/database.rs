//! Databases, and what a coordinator sees of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::sync::RwLock;

use crate::error::Failure;

use super::{Collection, Handle, Origin, Properties, State, Store, collection::Created};

#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) id: u64,
    /// Collections by name.
    pub(crate) collections: BTreeMap<String, u64>,
    pub(crate) defaults: Defaults,
    created: Option<Created>,
}

/// What a database has for collections that say nothing about it. Single servers take no notice of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    /// `sharding: "single"`: all collections follow `_graphs`.
    pub(crate) is_one_shard: bool,
    pub(crate) replication_factor: u64,
    pub(crate) write_concern: u64,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { is_one_shard: false, replication_factor: 1, write_concern: 1 }
    }
}

impl Defaults {
    /// `--cluster.system-replication-factor`
    const OF_SYSTEM: u64 = 2;

    /// How often each document of `_graphs` is there, and so of all collections that follow it.
    pub(crate) fn of_leader(self) -> u64 {
        self.replication_factor.max(Self::OF_SYSTEM)
    }
}

impl Database {
    pub(super) fn new(id: u64, created: Option<Created>, defaults: Defaults) -> Self {
        Self { id, collections: BTreeMap::new(), created, defaults }
    }
}

impl Store {
    pub(crate) fn create_database(&self, name: &str, defaults: Defaults, by: Option<Origin>) -> Result<(), Failure> {
        if !is_database_name(name) {
            return Err(Failure::of(1229));
        }
        let mut state = self.state();
        if state.databases.contains_key(name) {
            return Err(Failure::of(1207));
        }
        let id = state.next_id();
        state.databases.insert(name.to_owned(), Database::new(id, Some(Created::now(by)), defaults));
        Ok(())
    }

    pub(crate) fn drop_database(&self, name: &str) -> Result<(), Failure> {
        let mut state = self.state();
        let database = state.databases.remove(name).ok_or_else(|| Failure::of(1228))?;
        for id in database.collections.values() {
            state.collections.remove(id);
        }
        Ok(())
    }

    /// Fails where this coordinator does not know the database (yet).
    pub(crate) fn see_database(&self, name: &str, endpoint: usize) -> Result<(), Failure> {
        let state = self.state();
        let seen = state.database(name)?.created.is_none_or(|created| self.is_seen(created, endpoint));
        if seen { Ok(()) } else { Err(Failure::of(1228)) }
    }

    pub(crate) fn create_collection(
        &self,
        database: &str,
        name: &str,
        properties: Properties,
        by: Option<Origin>,
    ) -> Result<Handle, Failure> {
        if !is_collection_name(name) {
            return Err(Failure::of(1208));
        }
        let mut state = self.state();
        if state.database(database)?.collections.contains_key(name) {
            return Err(Failure::of(1207));
        }
        let id = state.next_id();
        let collection = Collection {
            id,
            name: name.to_owned(),
            database: database.to_owned(),
            properties,
            indexes: Vec::new(),
            sorted: BTreeMap::new(),
            foreign_indexes: Vec::new(),
            documents: BTreeMap::new(),
            last_key: 0,
            last_change: 0,
            created: Created::now(by),
            access: Arc::new(RwLock::new(())),
        };
        let handle = collection.handle();
        state.collections.insert(id, collection);
        if let Some(database) = state.databases.get_mut(database) {
            database.collections.insert(name.to_owned(), id);
        }
        Ok(handle)
    }

    pub(crate) fn drop_collection(&self, database: &str, name: &str) -> Result<u64, Failure> {
        let mut state = self.state();
        let id = state.database(database)?.collections.get(name).copied().ok_or_else(|| unknown(name))?;
        state.collections.remove(&id);
        if let Some(database) = state.databases.get_mut(database) {
            database.collections.remove(name);
        }
        Ok(id)
    }

    /// The collection, as far as this coordinator knows of it.
    pub(crate) fn find_collection(&self, database: &str, name: &str, endpoint: usize) -> Result<Handle, Failure> {
        let state = self.state();
        let id = state.database(database)?.collections.get(name);
        let collection = id.and_then(|id| state.collections.get(id)).ok_or_else(|| unknown(name))?;
        if self.is_seen(collection.created, endpoint) { Ok(collection.handle()) } else { Err(unknown(name)) }
    }

    /// All collections of a database, by name.
    pub(crate) fn list_collections(&self, database: &str, endpoint: usize) -> Result<Vec<Handle>, Failure> {
        let state = self.state();
        let ids = state.database(database)?.collections.values();
        let seen = ids.filter_map(|id| state.collections.get(id));
        Ok(seen.filter(|each| self.is_seen(each.created, endpoint)).map(Collection::handle).collect())
    }

    fn is_seen(&self, created: Created, endpoint: usize) -> bool {
        created.by == Some(Origin::Endpoint(endpoint)) || created.at.elapsed() >= self.settings.visibility_delay
    }
}

fn is_collection_name(name: &str) -> bool {
    is_name(name, 256)
}

/// The collection with this name, for tests that look from outside.
pub(crate) fn by_name<'a>(state: &'a State, database: &str, name: &str) -> Option<&'a Collection> {
    let id = state.databases.get(database)?.collections.get(name)?;
    let collections: &HashMap<u64, Collection> = &state.collections;
    collections.get(id)
}

fn is_database_name(name: &str) -> bool {
    is_name(name, 64)
}

fn is_name(name: &str, longest: usize) -> bool {
    name.len() <= longest
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn unknown(name: &str) -> Failure {
    Failure::new(1203, format!("collection or view not found: {name}"))
}
