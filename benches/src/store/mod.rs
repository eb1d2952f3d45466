//! The store that is measured.

mod address;
mod mongo;

use std::sync::Arc;

use shylock_arango::{ArangoBackend, Credentials};
use shylock_core::{Backend, MemoryBackend};
use shylock_mongo::MongoBackend;

pub(crate) use self::{
    address::{Address, with_options},
    mongo::MongoStore,
};
use crate::{counters::Counters, outcome::Outcome, raw::Raw};

pub(crate) enum Store {
    Mongo(MongoStore),
    Arango { address: Address, database: String },
    Memory(MemoryBackend),
}

impl Store {
    /// `database` is that of this run; it is there for nothing else.
    pub(crate) async fn open(address: Address, database: &str) -> Outcome<Self> {
        Ok(match address {
            Address::Mongo(uri) => Self::Mongo(MongoStore::open(uri, database).await?),
            Address::Memory => Self::Memory(MemoryBackend::new()),
            Address::Arango { .. } => Self::Arango { address, database: database.to_owned() },
        })
    }

    /// A new backend with connections of its own, as users make it.
    pub(crate) async fn connect(&self) -> Outcome<Arc<dyn Backend>> {
        Ok(match self {
            Self::Mongo(mongo) => Arc::new(MongoBackend::connect(&mongo.uri, &mongo.database).await?),
            Self::Memory(memory) => Arc::new(memory.clone()),
            Self::Arango { address: Address::Arango { url, user, password }, database } => {
                Arc::new(ArangoBackend::connect(url, database, Credentials::password(user, password)).await?)
            }
            Self::Arango { .. } => return Err("this is no address of an ArangoDB".into()),
        })
    }

    /// What an acquisition and a release cost at least.
    pub(crate) async fn raw(&self) -> Outcome<Raw> {
        match self {
            Self::Mongo(mongo) => Raw::commands(mongo).await,
            Self::Arango { .. } | Self::Memory(_) => Ok(Raw::Calls(self.connect().await?)),
        }
    }

    /// The address, for a child process; a store in memory has none.
    pub(crate) fn address(&self) -> Option<(String, &str)> {
        match self {
            Self::Mongo(mongo) => Some((mongo.uri.clone(), &mongo.database)),
            Self::Arango { address, database } => Some((address.text(), database)),
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
            Self::Arango { .. } | Self::Memory(_) => Ok(None),
        }
    }

    /// What it is, and how durable a write is.
    pub(crate) async fn description(&self) -> Outcome<String> {
        Ok(match self {
            Self::Mongo(mongo) => mongo.description().await?,
            Self::Arango { address, .. } => {
                let version =
                    arango_version(address).await.unwrap_or_else(|error| format!("of unknown version ({error})"));
                format!("- store: ArangoDB {version}\n- write concern: waitForSync")
            }
            Self::Memory(_) => "- store: in the memory of the process\n- write concern: none".into(),
        })
    }

    /// Removes what this run has stored. The database of an ArangoDB stays.
    pub(crate) async fn clean_up(&self) -> Outcome<()> {
        match self {
            Self::Mongo(mongo) => mongo.clean_up().await,
            Self::Arango { .. } | Self::Memory(_) => Ok(()),
        }
    }
}

async fn arango_version(address: &Address) -> Outcome<String> {
    let Address::Arango { url, user, password } = address else { return Err("no ArangoDB".into()) };
    let request = reqwest::Client::new().get(format!("{url}/_api/version")).basic_auth(user, Some(password));
    let answer = request.send().await.map_err(reqwest::Error::without_url)?.text().await?;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    Ok(answer["version"].as_str().ok_or("the server does not tell")?.to_owned())
}
