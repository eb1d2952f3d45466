//! What is checked, and made, before the first command.

use std::time::Duration;

use mongodb::{
    Database,
    bson::{Document, doc},
};
use shylock_core::{BackendError, Failure};

use crate::{
    builder::{IndexMode, Settings},
    command,
    error::{self, Unfit},
    query::Queries,
};

/// How far apart the clocks of the servers of one deployment are taken to be.
const SKEW: Duration = Duration::from_millis(250);

/// Checks the deployment and the collection, and makes the index.
pub(crate) async fn prepare(database: &Database, settings: &Settings) -> Result<Queries, BackendError> {
    let hello = command::run(database, doc! { "hello": 1 }).await?;
    let kind = Kind::of(&hello);
    let collection = settings.collection.as_str();
    let listed = command::run(database, doc! { "listCollections": 1, "filter": { "name": collection } }).await;
    if let Some(found) = permitted(listed, database, "listCollections", "its collation and kind are not checked")? {
        let unfit = command::batch(&found)?.first().and_then(|entry| unfitness(entry));
        refuse(collection, unfit)?;
    }
    if kind == Kind::Sharded {
        let of = doc! { "_id": format!("{}.{collection}", database.name()) };
        let config = database.client().database("config");
        let found = command::run(&config, doc! { "find": "collections", "filter": of, "limit": 1 }).await;
        if let Some(found) = permitted(found, &config, "find", "its shard key is not checked")? {
            let unfit = command::batch(&found)?.first().and_then(|entry| shard_key_unfitness(entry));
            refuse(collection, unfit)?;
        }
    }
    if settings.index == IndexMode::Ensure {
        make_index(database, collection).await?;
    }
    let skew = settings.skew.unwrap_or(if kind == Kind::Standalone { Duration::ZERO } else { SKEW });
    Ok(Queries { collection: collection.into(), retention: settings.retention, skew })
}

/// The kind of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standalone,
    ReplicaSet,
    Sharded,
}

impl Kind {
    fn of(hello: &Document) -> Self {
        match (hello.get_str("msg"), hello.get_str("setName")) {
            (Ok("isdbgrid"), _) => Self::Sharded,
            (_, Ok(_)) => Self::ReplicaSet,
            _ => Self::Standalone,
        }
    }
}

/// The index by which the server removes the records of idle locks. It never decides who holds a lock, so a server
/// that refuses it is no failure.
async fn make_index(database: &Database, collection: &str) -> Result<(), BackendError> {
    let index = doc! { "key": { "purgeAt": 1 }, "name": "purgeAt_1", "expireAfterSeconds": 0 };
    let made = command::run(database, doc! { "createIndexes": collection, "indexes": [index] }).await;
    let without = "records of idle locks are not removed";
    match permitted(made, database, "createIndex", without) {
        // There is another one (85, 86), and it is the operator's; or this server has no such index.
        Err(error) if *error.failure() == Failure::Permanent => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(collection, error, "the index `purgeAt_1` could not be made; {without}");
            Ok(())
        }
        made => made.map(drop),
    }
}

/// The reply, or `None` and a warning where a right is missing.
fn permitted(
    reply: Result<Document, BackendError>,
    database: &Database,
    right: &str,
    without: &str,
) -> Result<Option<Document>, BackendError> {
    match reply {
        Err(error) if error::is_unauthorized(&error) => {
            tracing::warn!(database = database.name(), "the right `{right}` is missing; {without}");
            Ok(None)
        }
        reply => reply.map(Some),
    }
}

fn refuse(collection: &str, unfit: Option<&str>) -> Result<(), BackendError> {
    match unfit {
        Some(reason) => Err(BackendError::permanent(Unfit(format!("`{collection}` {reason}")))),
        None => Ok(()),
    }
}

/// Why a collection cannot hold locks, by its entry in `listCollections`.
fn unfitness(entry: &Document) -> Option<&'static str> {
    match entry.get_str("type") {
        Ok("view") => return Some("is a view"),
        Ok("timeseries") => return Some("is a time series"),
        _ => {}
    }
    let options = entry.get_document("options").ok()?;
    if options.get_bool("capped").unwrap_or_default() {
        return Some("is capped: it would lose records, and with them tokens");
    }
    let locale = options.get_document("collation").ok()?.get_str("locale").unwrap_or_default();
    (locale != "simple").then_some("has a collation: names that differ could be one lock")
}

/// Why a sharded collection cannot hold locks, by its entry in `config.collections`.
fn shard_key_unfitness(entry: &Document) -> Option<&'static str> {
    let key = entry.get_document("key").ok()?;
    let by_id = key.len() == 1 && key.contains_key("_id");
    (!by_id).then_some("is sharded by another key than `_id`: two shards could each hold a record of one lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(Kind::of(&doc! { "isWritablePrimary": true }), Kind::Standalone);
        assert_eq!(Kind::of(&doc! { "setName": "rs0" }), Kind::ReplicaSet);
        assert_eq!(Kind::of(&doc! { "msg": "isdbgrid" }), Kind::Sharded);
    }

    #[test]
    fn collections_that_cannot_hold_locks_are_recognised() {
        let plain = doc! { "type": "collection", "options": {} };
        assert_eq!(unfitness(&plain), None);
        assert_eq!(unfitness(&doc! { "type": "collection", "options": { "collation": { "locale": "simple" } } }), None);
        assert!(unfitness(&doc! { "type": "collection", "options": { "collation": { "locale": "en" } } }).is_some());
        assert!(unfitness(&doc! { "type": "collection", "options": { "capped": true } }).is_some());
        assert!(unfitness(&doc! { "type": "view", "options": { "viewOn": "x" } }).is_some());
        assert!(unfitness(&doc! { "type": "timeseries", "options": {} }).is_some());
    }

    #[test]
    fn only_the_id_will_do_as_a_shard_key() {
        assert_eq!(shard_key_unfitness(&doc! { "key": { "_id": 1 } }), None);
        assert_eq!(shard_key_unfitness(&doc! { "key": { "_id": "hashed" } }), None);
        assert!(shard_key_unfitness(&doc! { "key": { "owner": 1 } }).is_some());
        assert!(shard_key_unfitness(&doc! { "key": { "_id": 1, "owner": 1 } }).is_some());
    }
}
