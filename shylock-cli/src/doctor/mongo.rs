//! What is particular to MongoDB: the deployment, the index, and the clocks of its members.

use std::time::{Duration, Instant};

use shylock_mongo::mongodb::{
    Client,
    bson::{Document, doc},
    error::Error,
    options::{ClientOptions, ServerAddress},
};

use super::check::{Check, State};
use crate::failure::chain;

/// The skew allowance that locks are made with.
const ALLOWANCE: Duration = Duration::from_millis(250);
const LIMIT: Duration = Duration::from_secs(3);
const COLLECTION: &str = "shylock_locks";

pub(super) async fn checks(uri: &str, database: &str) -> Vec<Check> {
    match look(uri, database).await {
        Ok(checks) => checks,
        Err(error) => vec![Check::new("deployment", State::Unknown, chain(&error))],
    }
}

async fn look(uri: &str, database: &str) -> Result<Vec<Check>, Error> {
    let mut options = ClientOptions::parse(uri).await?;
    options.server_selection_timeout.get_or_insert(LIMIT);
    let database = Client::with_options(options.clone())?.database(database);
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    let members: Vec<String> = hello
        .get_array("hosts")
        .into_iter()
        .flatten()
        .filter_map(|host| host.as_str().map(ToOwned::to_owned))
        .collect();
    let index = index(database.run_command(doc! { "listIndexes": COLLECTION }).await);
    let mut checks = vec![deployment(&hello, members.len()), index];
    checks.push(if members.len() > 1 { clocks(&options, &members).await } else { one_clock() });
    checks.push(Check::good(
        "write concern",
        "each write of a lock waits for the majority and its journal, whatever the set's default",
    ));
    Ok(checks)
}

fn deployment(hello: &Document, members: usize) -> Check {
    const NAME: &str = "deployment";
    match (hello.get_str("setName"), hello.get_str("msg"), members) {
        (Ok(set), _, 1) => {
            Check::new(NAME, State::Weak, format!("a replica set of one, {set}: no fail-over when it dies"))
        }
        (Ok(set), _, members) => Check::good(NAME, format!("a replica set of {members}, {set}")),
        (_, Ok("isdbgrid"), _) => Check::new(NAME, State::Unknown, "a sharded cluster, on which Shylock was never run"),
        _ => Check::new(
            NAME,
            State::Weak,
            "a standalone server: no fail-over when it dies, and who waits has to ask again",
        )
        .hint("a replica set of one member already tells who waits"),
    }
}

fn index(found: Result<Document, Error>) -> Check {
    const NAME: &str = "index";
    match found {
        Ok(reply) if reply.to_string().contains("expireAfterSeconds") => {
            Check::good(NAME, format!("{COLLECTION} has the index that removes records of idle locks"))
        }
        Ok(_) => Check::new(NAME, State::Weak, format!("{COLLECTION} has no index that removes records of idle locks"))
            .hint("give this user the right `createIndex` once; without it, records of names that nobody uses stay"),
        Err(error) => Check::new(NAME, State::Unknown, chain(&error)).hint("it takes the right `listIndexes`"),
    }
}

fn one_clock() -> Check {
    Check::good("clocks", "one server, one clock")
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
                return Check::new(NAME, State::Unknown, format!("{member} does not tell its time: {}", chain(&error)));
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
    let told = hello.get_datetime("localTime").map_err(Error::custom)?.timestamp_millis();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
    let told = told as f64;
    Ok((told - at, half.as_secs_f64() * 1000.0 + 1.0))
}
