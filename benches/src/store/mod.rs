//! The store that is measured.

mod address;
mod arango;
mod mongo;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use shylock_core::{Backend, MemoryBackend};
use shylock_mongo::MongoBackend;
use shylock_sqlite::SqliteBackend;

pub(crate) use self::{
    address::{Address, with_options},
    arango::ArangoStore,
    mongo::MongoStore,
};
use crate::{counters::Counters, outcome::Outcome, raw::Raw};

pub(crate) enum Store {
    Mongo(MongoStore),
    Arango(ArangoStore),
    /// A file.
    Sqlite(PathBuf),
    Memory(MemoryBackend),
}

impl Store {
    /// `database` is that of this run; it is there for nothing else.
    pub(crate) async fn open(address: Address, database: &str) -> Outcome<Self> {
        Ok(match address {
            Address::Mongo(uri) => Self::Mongo(MongoStore::open(uri, database).await?),
            Address::Memory => Self::Memory(MemoryBackend::new()),
            Address::Sqlite(path) if Path::new(&path).exists() => return Err(format!("{path} is there already").into()),
            Address::Sqlite(path) => Self::Sqlite(path.into()),
            Address::Arango { url, user, password } => {
                Self::Arango(ArangoStore { url, user, password, database: database.to_owned() })
            }
        })
    }

    /// A new backend with connections of its own, as users make it.
    pub(crate) async fn connect(&self) -> Outcome<Arc<dyn Backend>> {
        Ok(match self {
            Self::Mongo(mongo) => Arc::new(MongoBackend::connect(&mongo.uri, &mongo.database).await?),
            Self::Memory(memory) => Arc::new(memory.clone()),
            Self::Sqlite(path) => Arc::new(SqliteBackend::open(path).await?),
            Self::Arango(arango) => Arc::new(arango.connect().await?),
        })
    }

    /// What an acquisition and a release cost at least.
    pub(crate) async fn raw(&self) -> Outcome<Raw> {
        match self {
            Self::Mongo(mongo) => Raw::commands(mongo).await,
            Self::Arango(_) | Self::Sqlite(_) | Self::Memory(_) => Ok(Raw::Calls(self.connect().await?)),
        }
    }

    /// The address, for a child process; a store in memory has none.
    pub(crate) fn address(&self) -> Option<(String, &str)> {
        match self {
            Self::Mongo(mongo) => Some((mongo.uri.clone(), &mongo.database)),
            Self::Arango(arango) => Some((arango.address().text(), &arango.database)),
            Self::Sqlite(path) => Some((format!("sqlite:{}", path.display()), "")),
            Self::Memory(_) => None,
        }
    }

    pub(crate) const fn is_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// The server's counters, or `None` where there are none.
    pub(crate) async fn counters(&self) -> Outcome<Option<Counters>> {
        match self {
            Self::Mongo(mongo) => mongo.counters().await.map(Some),
            Self::Arango(_) | Self::Sqlite(_) | Self::Memory(_) => Ok(None),
        }
    }

    /// What it is, and how durable a write is.
    pub(crate) async fn description(&self) -> Outcome<String> {
        Ok(match self {
            Self::Mongo(mongo) => mongo.description().await?,
            Self::Arango(arango) => arango.description().await,
            Self::Sqlite(path) => format!("- store: {}\n- write concern: in the log, not yet on disk", path.display()),
            Self::Memory(_) => "- store: in the memory of the process\n- write concern: none".into(),
        })
    }

    /// Removes what this run has stored.
    pub(crate) async fn clean_up(&self) -> Outcome<()> {
        match self {
            Self::Mongo(mongo) => mongo.clean_up().await,
            Self::Arango(arango) => arango.clean_up().await,
            Self::Sqlite(path) => Ok(fs::remove_file(path)?),
            Self::Memory(_) => Ok(()),
        }
    }
}
