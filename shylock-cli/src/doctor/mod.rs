//! `doctor`: whether a store is reachable and fit for locks, check by check.

#[cfg(feature = "arangodb")]
mod arango;
mod check;
mod common;
mod exclusion;
mod hint;
#[cfg(feature = "mongodb")]
mod mongo;
#[cfg(feature = "sqlite")]
mod sqlite;

use serde_json::{Value, json};

use self::check::{Check, State};
use crate::{
    arguments::Doctor,
    failure::Failure,
    output::{self, plain},
    store::{self, Address},
};

pub(crate) async fn doctor(Doctor { json }: &Doctor, told: Option<&str>) -> Result<u8, Failure> {
    let address = store::address(told)?;
    let mut checks = common::checks(told).await;
    // What asks more of a store only makes sense where it answers.
    if checks.iter().all(|check| check.state != State::Wrong) {
        checks.extend(of_this_kind(&address).await);
    }
    if *json {
        let list: Vec<Value> = checks.iter().map(Check::as_json).collect();
        output::print_json(&json!({ "store": plain(&address.shown()), "checks": list }))?;
    } else {
        output::print(&plain(&address.shown()))?;
        for check in &checks {
            output::print(&check.to_string())?;
        }
    }
    Ok(u8::from(checks.iter().any(|check| check.state == State::Wrong)))
}

async fn of_this_kind(address: &Address) -> Vec<Check> {
    match address {
        #[cfg(feature = "mongodb")]
        Address::Mongo { uri, database } => mongo::checks(uri, database).await,
        #[cfg(feature = "arangodb")]
        Address::Arango { .. } => arango::checks(address).await,
        #[cfg(feature = "sqlite")]
        Address::Sqlite { path } => sqlite::checks(path).await,
        #[allow(unreachable_patterns, reason = "where all stores are built in")]
        _ => Vec::new(),
    }
}

/// A name for a lock that nobody else uses.
fn fresh_name() -> String {
    format!("shylock-doctor-{:016x}", getrandom::u64().unwrap_or_else(|_| std::process::id().into()))
}
