//! What one mutex guards: the catalogue, all versions, the sequence of commits.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use crate::error::Failure;

use super::{AuditEntry, Collection, Database, Defaults};

#[derive(Debug)]
pub(crate) struct State {
    /// The number of the last commit.
    pub(crate) sequence: u64,
    last_id: u64,
    last_revision: u64,
    pub(crate) databases: BTreeMap<String, Database>,
    pub(crate) collections: HashMap<u64, Collection>,
    pub(crate) audit: Vec<AuditEntry>,
    pub(crate) commits: Vec<Commit>,
}

/// One commit, for a crash to undo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit {
    pub(crate) sequence: u64,
    pub(crate) at: Instant,
    pub(crate) synced: bool,
}

impl State {
    pub(crate) fn new() -> Self {
        let system = Database::new(1, None, Defaults::default());
        Self {
            sequence: 0,
            last_id: 100,
            last_revision: 0,
            databases: BTreeMap::from([("_system".to_owned(), system)]),
            collections: HashMap::new(),
            audit: Vec::new(),
            commits: Vec::new(),
        }
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn next_revision(&mut self) -> String {
        self.last_revision += 1;
        format!("_{:08x}---", self.last_revision)
    }

    pub(crate) fn database(&self, name: &str) -> Result<&Database, Failure> {
        self.databases.get(name).ok_or_else(|| Failure::of(1228))
    }

    /// The collection with this id. It may have been dropped meanwhile.
    pub(crate) fn collection(&self, id: u64) -> Result<&Collection, Failure> {
        self.collections.get(&id).ok_or_else(|| Failure::of(1203))
    }
}
