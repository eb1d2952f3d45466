//! What is checked, and made, before the first query. Many processes may do this at once.

use std::time::Duration;

use serde_json::{Value, json};
use shylock_core::BackendError;
use tokio::time::Instant;

use crate::{
    builder::{IndexMode, Settings},
    database::Database,
    error::{Meaning, RequestError},
    fitness::{self, Kind},
    key::escaped,
    query::Queries,
    text,
};

/// How far apart the clocks of the coordinators of one cluster are taken to be.
const SKEW: Duration = Duration::from_millis(250);
/// How long a cluster may take to tell all coordinators of a new database or collection.
pub(crate) const PROPAGATION: Duration = Duration::from_secs(60);
/// How long to ask a server again that says it is not ready.
const UNREADY: Duration = Duration::from_secs(5);
/// The pause between two such questions.
const PAUSE: Duration = Duration::from_millis(100);

/// What the backend knows after looking.
pub(crate) struct Ready {
    pub(crate) queries: Queries,
    /// When something was made that other coordinators may not know of yet.
    pub(crate) made: Option<Instant>,
}

/// Checks the server and the collection, and makes what is missing.
pub(crate) async fn prepare(database: &Database, settings: &Settings) -> Result<Ready, BackendError> {
    check_and_make(database, settings).await.map_err(RequestError::of_read)
}

async fn check_and_make(database: &Database, settings: &Settings) -> Result<Ready, RequestError> {
    let mut made = None;
    if settings.create_database && make_database(database).await? {
        made = Some(Instant::now());
    }
    if make_collection(database, settings, made).await? {
        made = Some(Instant::now());
    }
    let collection = settings.collection.as_str();
    let properties = format!("/_api/collection/{}/properties", escaped(collection));
    let properties = patiently(made, || database.get(&properties)).await?;
    refuse(collection, fitness::unfitness(&properties, settings))?;
    if let Some(weakness) = fitness::weakness(&properties) {
        tracing::warn!(collection, "{weakness}");
    }
    if settings.index == IndexMode::Ensure {
        make_index(database, settings, made).await?;
    }
    for text in text::ALL {
        let parsed = patiently(made, || async { database.post("/_api/query", &json!({ "query": text.aql })).await });
        if let Err(error) = parsed.await {
            let is_of_text = error.meaning() == Meaning::Permanent && !error.is_forbidden();
            let of_text = |error| RequestError::Query { name: text.name, source: Box::new(error) };
            return Err(if is_of_text { of_text(error) } else { error });
        }
    }
    let skew = settings.skew.unwrap_or(if Kind::of(&properties) == Kind::Single { Duration::ZERO } else { SKEW });
    Ok(Ready { queries: Queries { collection: collection.into(), skew }, made })
}

/// Says whether it is so new that coordinators may not know it.
async fn make_database(database: &Database) -> Result<bool, RequestError> {
    let body = json!({ "name": database.name });
    let system = database.system();
    match patiently(None, || system.post("/_api/database", &body)).await {
        // Somebody else may have made it a moment ago, by way of another coordinator than ours.
        Err(error) if error.is(1207) => {
            let known = patiently(None, || database.get("/_api/database/current")).await;
            Ok(known.is_err_and(|error| error.is(1228)))
        }
        made => made.map(|_| true),
    }
}

/// Says the same of the collection.
async fn make_collection(
    database: &Database,
    settings: &Settings,
    made: Option<Instant>,
) -> Result<bool, RequestError> {
    let path = format!("/_api/collection/{}", escaped(&settings.collection));
    // In a new database there is no collection; to wait for one that is missing would be in vain.
    match patiently_unless(1203, made, || database.get(&path)).await {
        Err(error) if error.is(1203) => {}
        Err(error) if error.is(1228) => {
            let name = &database.name;
            tracing::warn!(database = name, "there is no such database; `create_database(true)` makes it");
            return Err(error);
        }
        found => return found.map(|_| false),
    }
    let body = wanted(settings);
    match patiently(made, || database.post("/_api/collection", &body)).await {
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

/// The collection as we make it. Single servers take no notice of what is for clusters.
fn wanted(settings: &Settings) -> Value {
    let mut wanted = json!({
        "name": settings.collection,
        "numberOfShards": 1,
        "shardKeys": ["_key"],
        "waitForSync": false,
        "cacheEnabled": false,
        "keyOptions": { "type": "traditional", "allowUserKeys": true },
    });
    for (name, number) in [("replicationFactor", settings.replication_factor), ("writeConcern", settings.write_concern)]
    {
        if let Some(number) = number {
            wanted[name] = number.into();
        }
    }
    wanted
}

/// The index by which the server removes the records of idle locks. It never decides who holds a lock, so a server
/// that refuses it is no failure; one that removes records too early is.
async fn make_index(database: &Database, settings: &Settings, made: Option<Instant>) -> Result<(), RequestError> {
    let collection = settings.collection.as_str();
    let path = format!("/_api/index?collection={}", escaped(collection));
    let body = json!({ "type": "ttl", "fields": ["expiresAt"], "expireAfter": settings.retention.as_secs() });
    let error = match patiently(made, || database.post(&path, &body)).await {
        Ok(_) => return Ok(()),
        Err(error) if error.meaning() == Meaning::Permanent => error,
        Err(error) => return Err(error),
    };
    if error.is_forbidden() {
        let without = "records of idle locks are not removed, unless somebody else makes it";
        tracing::warn!(collection, "the right to make the TTL index is missing (`rw` on the database); {without}");
    } else {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(collection, error, "the TTL index on `expiresAt` could not be made as it is configured");
    }
    match patiently(made, || database.get(&path)).await {
        Ok(indexes) => refuse(collection, fitness::index_unfitness(&indexes)),
        Err(error) if error.is_forbidden() => Ok(()),
        Err(error) => Err(error),
    }
}

fn refuse(collection: &str, unfit: Option<String>) -> Result<(), RequestError> {
    match unfit {
        Some(reason) => Err(RequestError::Unfit(format!("`{collection}` {reason}"))),
        None => Ok(()),
    }
}

/// Asks again while the server is not ready, or does not know yet what was made a moment ago.
async fn patiently<T, F>(made: Option<Instant>, ask: impl Fn() -> F + Send) -> Result<T, RequestError>
where
    F: Future<Output = Result<T, RequestError>> + Send,
{
    patiently_unless(0, made, ask).await
}

/// The same, but this error is an answer.
async fn patiently_unless<T, F>(
    answer: u64,
    made: Option<Instant>,
    ask: impl Fn() -> F + Send,
) -> Result<T, RequestError>
where
    F: Future<Output = Result<T, RequestError>> + Send,
{
    let since = Instant::now();
    loop {
        let error = match ask().await {
            Err(error) if !error.is(answer) => error,
            answered => return answered,
        };
        let patience = match &error {
            RequestError::Refused { number: 1203 | 1228, .. } => made.map_or(Duration::ZERO, |_| PROPAGATION),
            // Conflicting changes of the cluster's plan (1448), and whatever else may pass.
            RequestError::Refused { number: 1448, .. } => UNREADY,
            RequestError::Refused { .. } if error.meaning() != Meaning::Permanent => UNREADY,
            _ => Duration::ZERO,
        };
        if since.elapsed() >= patience {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
