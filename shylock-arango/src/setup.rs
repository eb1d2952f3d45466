//! What is checked, and made, before the first query. Many processes may do this at once.

use std::time::Duration;

use serde_json::{Value, json};
use shylock_core::BackendError;
use tokio::time::Instant;

use crate::{
    builder::{IndexMode, Settings, Sharding},
    database::Database,
    errno::Meaning,
    error::RequestError,
    fitness::{self, Kind},
    indexes,
    key::escaped,
    patience::Patience,
    query::Queries,
    text,
};

/// How far apart the clocks of the coordinators of one cluster are taken to be.
const SKEW: Duration = Duration::from_millis(250);

/// What the backend knows after looking.
pub(crate) struct Ready {
    pub(crate) queries: Queries,
    /// When something was made that other coordinators may not know of yet.
    pub(crate) made: Option<Instant>,
    /// What an operator should know.
    pub(crate) weaknesses: Vec<String>,
}

/// Checks the server and the collection, and makes what is missing.
pub(crate) async fn prepare(
    database: &Database,
    settings: &Settings,
    patience: Patience,
) -> Result<Ready, BackendError> {
    check_and_make(database, settings, patience).await.map_err(RequestError::of_read)
}

async fn check_and_make(
    database: &Database,
    settings: &Settings,
    mut patience: Patience,
) -> Result<Ready, RequestError> {
    if settings.create_database && make_database(database, settings, patience).await? {
        patience.made = Some(Instant::now());
    }
    check_sharding(database, settings, patience).await?;
    if make_collection(database, settings, patience).await? {
        patience.made = Some(Instant::now());
    }
    let collection = settings.collection.as_str();
    let properties = format!("/_api/collection/{}/properties", escaped(collection));
    let properties = patience.ask(|| database.get(&properties)).await?;
    refuse(collection, fitness::unfitness(&properties, settings))?;
    let mut weaknesses = fitness::weaknesses(&properties);
    for weakness in &weaknesses {
        tracing::warn!(collection, "{weakness}");
    }
    weaknesses.extend(see_to_indexes(database, settings, patience).await?);
    for text in text::ALL {
        let parsed = patience.ask(|| async { database.post("/_api/query", &json!({ "query": text.aql })).await });
        if let Err(error) = parsed.await {
            let is_of_text = error.meaning() == Meaning::Permanent && !error.is_forbidden();
            let of_text = |error| RequestError::Query { name: text.name, source: Box::new(error) };
            return Err(if is_of_text { of_text(error) } else { error });
        }
    }
    let skew = settings.skew.unwrap_or(if Kind::of(&properties) == Kind::Single { Duration::ZERO } else { SKEW });
    Ok(Ready { queries: Queries { collection: collection.into(), skew }, made: patience.made, weaknesses })
}

/// Says whether it is so new that coordinators may not know it.
async fn make_database(database: &Database, settings: &Settings, patience: Patience) -> Result<bool, RequestError> {
    let mut body = json!({ "name": database.name });
    if let Some(sharding) = settings.sharding {
        body["options"]["sharding"] = sharding.name().into();
    }
    if settings.sharding == Some(Sharding::Single) {
        // For its leading collection; elsewhere each collection has numbers of its own.
        for (name, number) in settings.copies() {
            body["options"][name] = number.into();
        }
    }
    let system = database.system();
    match patience.ask(|| system.post("/_api/database", &body)).await {
        // Somebody else may have made it a moment ago, by way of another coordinator than ours.
        Err(error) if error.is(1207) => {
            let known = patience.ask(|| database.get("/_api/database/current")).await;
            Ok(known.is_err_and(|error| error.is(1228)))
        }
        made => made.map(|_| true),
    }
}

/// Says the same of the collection.
async fn make_collection(database: &Database, settings: &Settings, patience: Patience) -> Result<bool, RequestError> {
    let path = format!("/_api/collection/{}", escaped(&settings.collection));
    // In a new database there is no collection; to wait for one that is missing would be in vain.
    match patience.ask_unless(1203, || database.get(&path)).await {
        Err(error) if error.is(1203) => {}
        Err(error) if error.is(1228) => {
            let name = &database.name;
            tracing::warn!(database = name, "there is no such database; `create_database(true)` makes it");
            return Err(error);
        }
        found => return found.map(|_| false),
    }
    let mut body = json!({
        "name": settings.collection,
        "numberOfShards": 1,
        "shardKeys": ["_key"],
        "waitForSync": false,
        "cacheEnabled": false,
        "keyOptions": { "type": "traditional", "allowUserKeys": true },
    });
    let copies = settings.copies();
    // In a database on one shard all collections have the numbers of the one that they follow, and any other number is
    // refused. Whether those are enough is checked afterwards, as of any collection.
    if !copies.is_empty() && is_one_shard(database, patience).await? != Some(true) {
        for (name, number) in copies {
            body[name] = number.into();
        }
    }
    match patience.ask(|| database.post("/_api/collection", &body)).await {
        // It was not there a moment ago.
        Err(error) if error.is(1207) => Ok(true),
        Err(error) if error.is_forbidden() => {
            let collection = &settings.collection;
            tracing::warn!(collection, "the right to make the collection is missing (`rw` on the database)");
            Err(error)
        }
        made => made.map(|_| true),
    }
}

/// Whether the database is on one shard, where that is a question: a single server has no shards to tell of.
async fn is_one_shard(database: &Database, patience: Patience) -> Result<Option<bool>, RequestError> {
    let current = patience.ask(|| database.get("/_api/database/current")).await?;
    Ok(fitness::is_one_shard(&current))
}

/// A database keeps for ever the sharding that it was made with.
async fn check_sharding(database: &Database, settings: &Settings, patience: Patience) -> Result<(), RequestError> {
    if settings.sharding != Some(Sharding::Single) {
        return Ok(());
    }
    match is_one_shard(database, patience).await {
        Ok(Some(false)) => {
            let reason =
                "the database was made without `sharding: \"single\"`, which cannot be changed: use another one";
            Err(RequestError::Unfit { option: "sharding", reason: reason.into() })
        }
        // A missing database is reported with the collection that cannot be in it.
        Err(error) if !error.is(1228) => Err(error),
        _ => Ok(()),
    }
}

/// Looks at the indexes and has the missing ones made. Returns what an operator should know of them.
async fn see_to_indexes(
    database: &Database,
    settings: &Settings,
    patience: Patience,
) -> Result<Vec<String>, RequestError> {
    if settings.index == IndexMode::Skip {
        return Ok(Vec::new());
    }
    let collection = settings.collection.as_str();
    let path = format!("/_api/index?collection={}", escaped(collection));
    let listed = match patience.ask(|| database.get(&path)).await {
        Err(error) if error.is_forbidden() => return Ok(vec!["its indexes may not be listed by this user".into()]),
        listed => listed?,
    };
    let weaknesses = indexes::weaknesses(&listed, settings.retention);
    let others = indexes::of_others(&listed, settings.retention);
    for other in &others {
        tracing::warn!(collection, "{other}");
    }
    refuse(collection, indexes::unfitness(&listed))?;
    let missing = indexes::missing(&listed, settings.retention);
    if missing.is_empty() {
        return Ok(others);
    }
    let (name, database) = (settings.collection.clone(), database.clone());
    let making = tokio::spawn(async move { make_indexes(&database, &name, &path, patience, missing).await });
    match tokio::time::timeout(patience.indexes, making).await {
        Ok(Ok(true)) => Ok(others),
        _ => Ok(weaknesses),
    }
}

/// Asks for each of them once: whatever comes of it, locks work. Says whether all are there.
async fn make_indexes(
    database: &Database,
    collection: &str,
    path: &str,
    patience: Patience,
    missing: Vec<Value>,
) -> bool {
    let mut all = true;
    for index in missing {
        let Err(error) = patience.ask(|| database.post(path, &index)).await else { continue };
        all = false;
        let without = indexes::without(&index);
        if error.is_forbidden() {
            tracing::warn!(collection, "the right to make an index is missing (`rw` on the database): {without}");
        } else {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(collection, error, "an index is not made yet: {without}");
        }
    }
    all
}

fn refuse(collection: &str, unfit: Option<String>) -> Result<(), RequestError> {
    match unfit {
        Some(reason) => Err(RequestError::Unfit { option: "collection", reason: format!("`{collection}` {reason}") }),
        None => Ok(()),
    }
}
