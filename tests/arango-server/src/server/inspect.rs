//! Looking into a server, and doing to its data what others may do meanwhile.

use serde_json::Value as Json;

use crate::{
    counters::Counters,
    error::Failure,
    store::{self, AuditEntry, Defaults},
};

use super::ArangoServer;

impl ArangoServer {
    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.tally.read()
    }

    /// Every version that was ever committed, in the order of the commits.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.shared.store.state().audit.clone()
    }

    /// The versions of one key.
    #[must_use]
    pub fn history(&self, database: &str, collection: &str, key: &str) -> Vec<AuditEntry> {
        let is_meant =
            |entry: &&AuditEntry| (&*entry.database, &*entry.collection, &*entry.key) == (database, collection, key);
        self.shared.store.state().audit.iter().filter(is_meant).cloned().collect()
    }

    /// The document as it is now.
    #[must_use]
    pub fn document(&self, database: &str, collection: &str, key: &str) -> Option<Json> {
        let state = self.shared.store.state();
        store::by_name(&state, database, collection)?.latest(key).map(Json::from)
    }

    /// Creates a database that all endpoints know after the visibility delay.
    ///
    /// # Errors
    ///
    /// As over HTTP.
    pub fn create_database(&self, name: &str) -> Result<(), Failure> {
        self.shared.store.create_database(name, Defaults::default(), None)
    }

    /// Drops a database, whoever uses it.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn drop_database(&self, name: &str) -> Result<(), Failure> {
        self.shared.store.drop_database(name)
    }

    /// Drops a collection, whoever uses it.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn drop_collection(&self, database: &str, name: &str) -> Result<(), Failure> {
        self.shared.store.drop_collection(database, name).map(drop)
    }

    /// Lists an index of a type that this server does not have, as `GET /_api/index` shows it.
    ///
    /// # Errors
    ///
    /// Where there is no such collection.
    pub fn show_foreign_index(&self, database: &str, collection: &str, index: Json) -> Result<(), Failure> {
        let mut state = self.shared.store.state();
        let id = store::by_name(&state, database, collection).map(|collection| collection.id);
        let collection = id.and_then(|id| state.collections.get_mut(&id)).ok_or_else(|| Failure::of(1203))?;
        collection.foreign_indexes.push(index);
        Ok(())
    }
}
