//! Users and their rights.

use std::collections::BTreeMap;

use crate::error::Failure;

/// What somebody may do with a database or a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    None,
    /// Look.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

/// The rights of a user. What is not named is as `Rights::new` says.
#[derive(Debug, Clone)]
pub struct Rights {
    other: Level,
    databases: BTreeMap<String, Level>,
    collections: BTreeMap<(String, String), Level>,
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) password: String,
    pub(crate) rights: Rights,
}

/// The user of a request; anybody may do anything where authentication is off.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) rights: Rights,
}

impl Rights {
    /// The same level for everything.
    #[must_use]
    pub fn new(everything: Level) -> Self {
        Self { other: everything, databases: BTreeMap::new(), collections: BTreeMap::new() }
    }

    /// With another level for a database.
    #[must_use]
    pub fn database(mut self, database: &str, level: Level) -> Self {
        self.databases.insert(database.to_owned(), level);
        self
    }

    /// With another level for a collection.
    #[must_use]
    pub fn collection(mut self, database: &str, collection: &str, level: Level) -> Self {
        self.collections.insert((database.to_owned(), collection.to_owned()), level);
        self
    }

    fn of_database(&self, database: &str) -> Level {
        self.databases.get(database).copied().unwrap_or(self.other)
    }

    fn of_collection(&self, database: &str, collection: &str) -> Level {
        let own = self.collections.get(&(database.to_owned(), collection.to_owned()));
        own.copied().unwrap_or_else(|| self.of_database(database))
    }
}

impl Caller {
    pub(crate) fn anybody() -> Self {
        Self { rights: Rights::new(Level::ReadWrite) }
    }

    pub(crate) fn see_database(&self, database: &str) -> Result<(), Failure> {
        if self.rights.of_database(database) == Level::None { Err(Failure::of(11)) } else { Ok(()) }
    }

    /// To create and drop collections and indexes.
    pub(crate) fn change_database(&self, database: &str) -> Result<(), Failure> {
        if self.rights.of_database(database) == Level::ReadWrite { Ok(()) } else { Err(forbidden()) }
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.rights.of_database("_system") == Level::ReadWrite
    }

    pub(crate) fn read(&self, database: &str, collection: &str) -> Result<(), Failure> {
        match self.rights.of_collection(database, collection) {
            Level::None => Err(Failure::new(11, format!("forbidden: {collection} [read]")).with_status(403)),
            Level::ReadOnly | Level::ReadWrite => Ok(()),
        }
    }

    pub(crate) fn write(&self, database: &str, collection: &str) -> Result<(), Failure> {
        match self.rights.of_collection(database, collection) {
            Level::None => Err(Failure::new(11, format!("forbidden: {collection} [write]")).with_status(403)),
            Level::ReadOnly => Err(Failure::new(1004, format!("read only: {collection} [write]"))),
            Level::ReadWrite => Ok(()),
        }
    }
}

pub(crate) fn forbidden() -> Failure {
    Failure::new(11, "forbidden").with_status(403)
}
