//! What is particular to ArangoDB: the deployment, the collection and its indexes, and the clocks of the coordinators.

use shylock_arango::{ArangoBackend, Credentials, Result};

use super::check::{Check, State};
use crate::{failure::chain, store::Address};

/// The properties of a collection that say how many servers have each record.
const COPIES: [&str; 2] = ["`replicationFactor`", "`writeConcern`"];

pub(super) async fn checks(address: &Address) -> Vec<Check> {
    let Address::Arango { endpoint, database, login } = address else { return Vec::new() };
    let credentials = match login {
        Some((user, password)) => Credentials::password(user, password),
        None => Credentials::none(),
    };
    match look(endpoint, database, credentials).await {
        Ok(checks) => checks,
        Err(error) => vec![Check::new("deployment", State::Unknown, chain(&error))],
    }
}

async fn look(endpoint: &str, database: &str, credentials: Credentials) -> Result<Vec<Check>> {
    let backend = ArangoBackend::connect(endpoint, database, credentials).await?;
    let allowance = backend.skew_allowance().await?;
    let mut checks = if allowance.is_zero() {
        vec![
            Check::new("deployment", State::Weak, "a single server: no fail-over when it dies"),
            Check::good("clocks", "one server, one clock"),
        ]
    } else {
        let clocks = format!(
            "the clocks of a cluster's coordinators cannot be told apart from here; locks allow for {} ms",
            allowance.as_millis()
        );
        vec![
            Check::good("deployment", "a cluster"),
            Check::new("clocks", State::Unknown, clocks).hint("run NTP on the coordinators"),
        ]
    };
    let (of_copies, others): (Vec<_>, Vec<_>) =
        backend.weaknesses().await?.iter().partition(|weakness| COPIES.iter().any(|of| weakness.contains(of)));
    checks.extend(judged(&of_copies, || {
        let unseen = "each grant and each renewal asks the server to wait for the disk; whether it does cannot be seen from here";
        Check::new("write concern", State::Unknown, unseen)
    }));
    checks.extend(judged(&others, || Check::good("collection", "it and its indexes are as they should be")));
    checks.push(Check::new(
        "version",
        State::Unknown,
        "written from ArangoDB's documents and source, and never run against a real server by its authors",
    ));
    Ok(checks)
}

/// One check for each weakness, or what is to be said where there is none.
fn judged(weaknesses: &[&String], otherwise: impl FnOnce() -> Check) -> Vec<Check> {
    let otherwise = otherwise();
    match weaknesses {
        [] => vec![otherwise],
        weak => weak.iter().map(|weakness| Check::new(otherwise.name, State::Weak, weakness.as_str())).collect(),
    }
}
