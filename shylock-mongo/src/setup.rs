//! What is checked before the first command.

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
    index::Background,
    mongo_error::MongoError,
    query::Queries,
    relatives::{self, Verdict},
};

/// How far apart the clocks of the servers of one deployment are taken to be.
const SKEW: Duration = Duration::from_millis(250);

/// What is there once the deployment was checked.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) queries: Queries,
    _indexes: Option<Background>,
}

/// Checks the deployment and the collection, and starts to make the indexes.
pub(crate) async fn prepare(database: &Database, settings: &Settings) -> Result<Prepared, BackendError> {
    let hello = command::run(database, doc! { "hello": 1 }).await?;
    let kind = Kind::of(&hello);
    let collection = settings.collection.as_str();
    let list = doc! { "listCollections": 1, "filter": { "name": collection } };
    let (build, listed) = tokio::join!(command::run(database, doc! { "buildInfo": 1 }), command::run(database, list));
    refuse_relatives(&hello, &unless_refused(build)?)?;
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
    let indexes = (settings.index == IndexMode::Ensure).then(|| Background::make(database, collection, kind));
    let skew = settings.skew.unwrap_or(if kind == Kind::Standalone { Duration::ZERO } else { SKEW });
    let queries = Queries { collection: collection.into(), retention: settings.retention, skew };
    Ok(Prepared { queries, _indexes: indexes })
}

/// Sends a write that matches no record, whatever there is, to find out whether the server takes writes as locks need
/// them. It does not wait for a majority. Whatever else is wrong with the server, the first acquisition finds out.
pub(crate) async fn try_out(database: &Database, collection: &str) -> Result<(), BackendError> {
    let write = doc! {
        "update": collection,
        "updates": [{ "q": { "_id": { "$in": [] } }, "u": [{ "$set": { "expiresAt": "$$NOW" } }] }],
        "writeConcern": { "w": "majority", "j": true, "wtimeout": 1_i64 },
    };
    match command::run(database, write).await {
        Err(error) if error::is_refusal_of_relatives(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The kind of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Standalone,
    ReplicaSet,
    Sharded,
}

impl Kind {
    fn of(hello: &Document) -> Self {
        match hello.get_str("setName") {
            _ if relatives::is_router(hello) => Self::Sharded,
            Ok(_) => Self::ReplicaSet,
            Err(_) => Self::Standalone,
        }
    }
}

/// The reply, or an empty one in place of a refusal: `buildInfo` is in no stable API, and may take a right.
fn unless_refused(reply: Result<Document, BackendError>) -> Result<Document, BackendError> {
    match reply {
        Err(error) if *error.failure() == Failure::Permanent => Ok(Document::new()),
        reply => reply,
    }
}

fn refuse_relatives(hello: &Document, build: &Document) -> Result<(), BackendError> {
    match relatives::judge(hello, build) {
        Verdict::Fit => {}
        Verdict::Doubtful(what) => tracing::warn!("{what}"),
        Verdict::Unfit(reason) => return Err(BackendError::permanent(MongoError::new(reason))),
    }
    Ok(())
}

/// The reply, or `None` and a warning where it is refused: what is asked for here is good to know, and no more.
fn permitted(
    reply: Result<Document, BackendError>,
    database: &Database,
    right: &str,
    without: &str,
) -> Result<Option<Document>, BackendError> {
    let database = database.name();
    match reply {
        Err(error) if error::is_unauthorized(&error) => {
            tracing::warn!(database, "the right `{right}` is missing; {without}");
            Ok(None)
        }
        Err(error) if *error.failure() == Failure::Permanent || error::is_of_atlas(&error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(database, error, "`{right}` was refused; {without}");
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
        let gateway = doc! { "msg": "isdbgrid", "internal": { "documentdb_versions": [] } };
        assert_eq!(Kind::of(&gateway), Kind::Standalone, "DocumentDB's gateway says so, too");
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

    #[test]
    fn a_refused_reply_says_nothing_and_a_missing_one_fails() {
        assert_eq!(unless_refused(Err(BackendError::permanent("no"))).expect("nothing"), Document::new());
        assert_eq!(unless_refused(Ok(doc! { "a": 1 })).expect("a reply"), doc! { "a": 1 });
        unless_refused(Err(BackendError::ambiguous("cut off"))).expect_err("it may be there the next time");
    }
}
