//! The checks that are particular to MongoDB: the server, its index, its write concern, and its members' clocks.

use std::time::{Duration, Instant};

use shylock_mongo::{
    MongoError,
    mongodb::{
        Client, Database,
        bson::{Bson, Document, doc},
        error::{Error, ErrorKind},
        options::{ClientOptions, ServerAddress},
    },
};
use tokio::time::sleep;

use super::{
    check::{Check, State},
    fresh_name,
};

/// The skew allowance that locks are made with.
const ALLOWANCE: Duration = Duration::from_millis(250);
const LIMIT: Duration = Duration::from_secs(3);
const COLLECTION: &str = "shylock_locks";
/// Indexes that are made in the background are there by then.
const INDEX_TIME: Duration = Duration::from_secs(2);
/// The series that all tests are run on.
const TESTED: [&str; 3] = ["4.4.", "5.0.", "6.0."];

pub(super) async fn checks(uri: &str, database: &str) -> Vec<Check> {
    match look(uri, database).await {
        Ok(checks) => checks,
        Err(error) => vec![Check::failed("deployment", State::Unknown, &text(error))],
    }
}

async fn look(uri: &str, database: &str) -> Result<Vec<Check>, Error> {
    let mut options = ClientOptions::parse(uri).await?;
    options.server_selection_timeout.get_or_insert(LIMIT);
    let database = Client::with_options(options.clone())?.database(database);
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    let build = database.run_command(doc! { "buildInfo": 1 }).await;
    if is_cosmos(&hello) || build.as_ref().is_ok_and(is_cosmos) {
        let service = Check::new("version", State::Unknown, "Azure Cosmos DB (RU), on which Shylock was never run")
            .hint("with several write regions it does not exclude: use one");
        return Ok(vec![service, index(&database).await, write_concern(&database).await]);
    }
    let members: Vec<String> = hello
        .get_array("hosts")
        .into_iter()
        .flatten()
        .filter_map(|host| host.as_str().map(ToOwned::to_owned))
        .collect();
    Ok(vec![
        version(build),
        deployment(&hello, members.len()),
        index(&database).await,
        match members.len() {
            0 | 1 => one_clock(&hello),
            _ => clocks(&options, &members).await,
        },
        write_concern(&database).await,
    ])
}

/// What the server says that it is.
fn version(build: Result<Document, Error>) -> Check {
    const NAME: &str = "version";
    let build = match build {
        Ok(build) => build,
        Err(error) => return Check::failed(NAME, State::Unknown, &text(error)),
    };
    let version = build.get_str("version").unwrap_or("of a version that it does not tell");
    match TESTED.iter().any(|series| version.starts_with(series)) {
        true => Check::good(NAME, format!("MongoDB {version}, a series that Shylock is tested on")),
        false => Check::new(NAME, State::Unknown, format!("MongoDB {version}, on which Shylock was never run")),
    }
}

fn is_cosmos(reply: &Document) -> bool {
    let host = |field: &str| reply.get_str(field).is_ok_and(|host| host.contains(".mongo.cosmos.azure.com"));
    reply.contains_key("_t") || host("me") || host("primary")
}

/// By the reply to `hello`, in which routers of a sharded cluster have no name of a set, and say `isdbgrid`. Other
/// servers say that, too.
fn deployment(hello: &Document, members: usize) -> Check {
    const NAME: &str = "deployment";
    match (hello.get_str("setName"), hello.get_str("msg"), members) {
        (_, Ok("isdbgrid"), _) => Check::new(
            NAME,
            State::Unknown,
            "a router of a sharded cluster, or a server that answers like one; Shylock was run on neither",
        ),
        (Ok(set), _, 1) => {
            Check::new(NAME, State::Weak, format!("a replica set of one, {set}: no fail-over when it dies"))
        }
        (Ok(set), _, members) => Check::good(NAME, format!("a replica set of {members}, {set}")),
        _ => Check::new(
            NAME,
            State::Weak,
            "a standalone server: no fail-over when it dies, and waiters have to ask again",
        )
        .hint("a replica set of one member already notifies waiters"),
    }
}

/// The indexes may still be made in the background.
async fn index(database: &Database) -> Check {
    const NAME: &str = "index";
    let since = Instant::now();
    loop {
        match database.run_command(doc! { "listIndexes": COLLECTION }).await {
            Ok(reply) => match missing_index(&reply) {
                None => {
                    return Check::good(
                        NAME,
                        format!(
                            "{COLLECTION} has both indexes: the server removes records of idle locks, and lists held ones"
                        ),
                    );
                }
                Some(_) if since.elapsed() < INDEX_TIME => sleep(INDEX_TIME / 20).await,
                Some(without) => {
                    return Check::new(NAME, State::Weak, format!("{COLLECTION} lacks an index: {without}"))
                        .hint("give this user the right `createIndex` once, or wait for a build that is under way");
                }
            },
            Err(error) => return Check::failed(NAME, State::Unknown, &text(error)),
        }
    }
}

/// What is the case without the index that is not there.
fn missing_index(reply: &Document) -> Option<&'static str> {
    let all = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).ok();
    let has = |key: Document, option: &str| {
        all.into_iter()
            .flatten()
            .filter_map(Bson::as_document)
            .any(|index| index.get_document("key").is_ok_and(|found| *found == key) && index.contains_key(option))
    };
    if !has(doc! { "purgeAt": 1 }, "expireAfterSeconds") {
        Some("records of idle locks are not removed")
    } else if !has(doc! { "_id": 1, "leaseMs": 1 }, "partialFilterExpression") {
        Some("listing locks reads the records of idle locks, too")
    } else {
        None
    }
}

/// No server can confirm this write as it asks for. One that does so ignores write concerns.
async fn write_concern(database: &Database) -> Check {
    const NAME: &str = "write concern";
    let nothing = doc! { "q": { "_id": fresh_name() }, "u": [{ "$set": { "purgeAt": "$$NOW" } }] };
    let concern = doc! { "w": 50, "wtimeout": 1_i64 };
    let write = doc! { "update": COLLECTION, "updates": [nothing], "writeConcern": concern };
    match database.run_command(write).await {
        Ok(reply) if reply.contains_key("writeConcernError") => heeded(),
        // `w` is more than a standalone server has.
        Err(error) if matches!(&*error.kind, ErrorKind::Command(refusal) if [2, 100].contains(&refusal.code)) => {
            heeded()
        }
        Ok(_) => Check::new(
            NAME,
            State::Weak,
            "the server ignores what a write asks for: a lock that was granted may be forgotten in a crash or a fail-over, \
             and granted again",
        ),
        Err(error) => Check::failed(NAME, State::Unknown, &text(error)),
    }
}

fn heeded() -> Check {
    Check::good(
        "write concern",
        "the server refuses to confirm a write for more servers than there are; locks ask for a majority and its journal",
    )
}

fn one_clock(hello: &Document) -> Check {
    const NAME: &str = "clocks";
    if hello.contains_key("msg") {
        let detail = "the clocks of the servers behind a router cannot be compared from here; locks allow for 250 ms";
        return Check::new(NAME, State::Unknown, detail).hint("run NTP on the servers");
    }
    Check::good(NAME, "the deployment is one server, with one clock")
}

/// How far the members' clocks are apart, each asked for its time.
async fn clocks(options: &ClientOptions, members: &[String]) -> Check {
    const NAME: &str = "clocks";
    let since = Instant::now();
    let mut seen: Vec<(f64, f64)> = Vec::new();
    for member in members {
        match clock(options, member, since).await {
            Ok(offset) => seen.push(offset),
            Err(error) => {
                return Check::failed(
                    NAME,
                    State::Unknown,
                    &format!("the time of {member} is unknown: {}", text(error)),
                );
            }
        }
    }
    let latest = seen.iter().map(|(offset, _)| *offset).fold(f64::MIN, f64::max);
    let earliest = seen.iter().map(|(offset, _)| *offset).fold(f64::MAX, f64::min);
    let unsure = seen.iter().map(|(_, unsure)| *unsure).fold(0.0, f64::max);
    let apart = latest - earliest;
    let detail = format!("{} members, {apart:.0} ms apart at most (± {unsure:.0} ms)", members.len());
    if apart - unsure > ALLOWANCE.as_secs_f64() * 1000.0 {
        return Check::new(NAME, State::Wrong, format!("{detail}; locks allow for {} ms", ALLOWANCE.as_millis()))
            .hint("run NTP on the members; after a fail-over, a lease could be taken over before its end");
    }
    Check::good(NAME, detail)
}

/// A member's clock against ours, and how unsure that is, in ms.
async fn clock(options: &ClientOptions, member: &str, since: Instant) -> Result<(f64, f64), Error> {
    let mut options = options.clone();
    options.hosts = vec![ServerAddress::parse(member)?];
    options.direct_connection = Some(true);
    options.repl_set_name = None;
    let admin = Client::with_options(options)?.database("admin");
    admin.run_command(doc! { "hello": 1 }).await?;
    let before = since.elapsed();
    let hello = admin.run_command(doc! { "hello": 1 }).await?;
    let half = (since.elapsed() - before) / 2;
    let at = (before + half).as_secs_f64() * 1000.0;
    let local = hello.get_datetime("localTime").map_err(Error::custom)?.timestamp_millis();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
    let local = local as f64;
    Ok((local - at, half.as_secs_f64() * 1000.0 + 1.0))
}

/// The driver's own text ends in a dump of the reply, and quotes commands.
fn text(error: Error) -> String {
    MongoError::from(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_indexes_are_looked_for() {
        let purge = doc! { "key": { "purgeAt": 1 }, "expireAfterSeconds": 0 };
        let live = doc! { "key": { "_id": 1, "leaseMs": 1 }, "partialFilterExpression": {} };
        let missing = |indexes: &[&Document]| {
            let all: Vec<Document> = indexes.iter().map(|index| (*index).clone()).collect();
            missing_index(&doc! { "cursor": { "firstBatch": all } }).unwrap_or_default()
        };
        assert_eq!(missing(&[&purge, &live]), "");
        assert!(missing(&[&live]).contains("removed"));
        assert!(missing(&[&purge]).contains("listing"));
        assert!(missing(&[&doc! { "key": { "purgeAt": 1 } }, &live]).contains("removed"), "it is no TTL index");
    }
}
