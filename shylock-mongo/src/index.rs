//! The indexes of the collection of locks. They never decide who holds a lock, so no call waits for them.

use std::time::Duration;

use mongodb::{
    Database,
    bson::{Document, doc},
};
use shylock_core::BackendError;
use tokio::{task::AbortHandle, time::timeout};

use crate::{attempts::until_answered, command, error, setup::Kind};

/// When the attempts to make the indexes end.
const LIMIT: Duration = Duration::from_secs(30);
/// When the server gives up a build. One that is left alone would wait for members that are down.
const BUILD: Duration = Duration::from_secs(20);

/// An index, and what is the case without it.
struct Index {
    name: &'static str,
    spec: fn() -> Document,
    without: &'static str,
}

const INDEXES: [Index; 2] = [
    Index { name: PURGE, spec: purge, without: "records of idle locks are not removed" },
    Index { name: LIVE, spec: live, without: "listing locks reads the records of idle locks, too" },
];

const PURGE: &str = "purgeAt_1";
const LIVE: &str = "live_leases";

/// The server removes a record when its `purgeAt` has come.
fn purge() -> Document {
    doc! { "key": { "purgeAt": 1 }, "name": PURGE, "expireAfterSeconds": 0 }
}

/// The held locks by name. A lock enters it when it is acquired and leaves it when it is released; a renewal does not
/// touch it. An index of `_id` alone cannot be partial, so the key has a field more, which renewals do not change.
fn live() -> Document {
    doc! { "key": { "_id": 1, "leaseMs": 1 }, "name": LIVE, "partialFilterExpression": { "owner": is_held() } }
}

/// The condition under which the server lists by the second index: word for word that of the index.
pub(crate) fn is_held() -> Document {
    doc! { "$type": "binData" }
}

/// The work at the indexes. Dropping it ends the work: a program that ends does not wait for it.
#[derive(Debug)]
pub(crate) struct Background(AbortHandle);

impl Background {
    /// Starts to make the indexes.
    pub(crate) fn make(database: &Database, collection: &str, kind: Kind) -> Self {
        let (database, collection) = (database.clone(), collection.to_owned());
        let task = tokio::spawn(async move {
            if timeout(LIMIT, make(&database, &collection, kind)).await.is_err() {
                tracing::warn!(
                    collection,
                    "the indexes were not made in time; the next program that connects tries again"
                );
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn make(database: &Database, collection: &str, kind: Kind) {
    let there = until_answered(LIMIT, || existing(database, collection)).await.unwrap_or_default();
    let missing: Vec<&Index> = INDEXES.iter().filter(|index| !there.iter().any(|name| name == index.name)).collect();
    if missing.is_empty() {
        return;
    }
    // In one build, where none is refused.
    if until_answered(LIMIT, || create(database, collection, &missing, kind)).await.is_ok() {
        return;
    }
    for index in missing {
        let Index { name, without, .. } = index;
        let alone = [index];
        match until_answered(LIMIT, || create(database, collection, &alone, kind)).await {
            Ok(()) => {}
            Err(error) if error::is_unauthorized(&error) => {
                let database = database.name();
                tracing::warn!(database, "the right `createIndex` is missing; {without}");
            }
            // There is another one (85, 86), and it is the operator's; or this server has no such index.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(collection, error, "the index `{name}` could not be made; {without}");
            }
        }
    }
}

/// The names of the indexes that are there, or under way: each request for one under way would wait for it.
async fn existing(database: &Database, collection: &str) -> Result<Vec<String>, BackendError> {
    match command::run(database, doc! { "listIndexes": collection }).await {
        Ok(reply) => {
            let names = command::batch(&reply)?.into_iter().filter_map(|index| index.get_str("name").ok());
            Ok(names.map(str::to_owned).collect())
        }
        Err(error) if error::is_no_collection(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn create(database: &Database, collection: &str, indexes: &[&Index], kind: Kind) -> Result<(), BackendError> {
    let limit = i64::try_from(BUILD.as_millis()).unwrap_or(i64::MAX);
    let mut create = doc! {
        "createIndexes": collection,
        "indexes": indexes.iter().map(|index| (index.spec)()).collect::<Vec<_>>(),
        "maxTimeMS": limit,
        "writeConcern": { "w": 1 },
    };
    // All members, by default, of which one may be down. A standalone takes no such option.
    if kind != Kind::Standalone {
        create.insert("commitQuorum", "majority");
    }
    command::run(database, create).await.map(drop)
}
