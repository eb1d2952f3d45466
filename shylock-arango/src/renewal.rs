//! Renewing many leases: what goes into one query, and what to do when one of them is in somebody's way.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use shylock_core::{LockName, RenewOutcome, Renewal};

use crate::{
    database::{Database, is_contention},
    error::RequestError,
    key::key,
    number::whole,
    query::Queries,
    record::owner,
    retry,
};

/// How many leases one query renews: it holds the locks of all their records.
const MOST: usize = 500;
/// How often the renewal of a single lease is tried again that meets another writer.
const REPEATS: u32 = 8;

/// Renews them; answers in their order. One round trip, unless there are very many, or one of them meets another
/// writer: then all of that query is undone, and it is split until the others are through.
pub(crate) async fn renew(
    database: &Database,
    queries: &Queries,
    leases: &[Renewal],
) -> Result<Vec<RenewOutcome>, RequestError> {
    let mut renewed = HashSet::new();
    let mut work: Vec<(Vec<&Renewal>, u32)> = rounds(leases).into_iter().map(|round| (round, 0)).collect();
    while let Some((part, tried)) = work.pop() {
        match database.run_once(&queries.renew(&part)).await {
            Ok(rows) => renewed.extend(rows.iter().filter_map(found)),
            Err(error) if !is_contention(&error) => return Err(error),
            Err(error) => {
                if part.len() == 1 && tried >= REPEATS {
                    return Err(error);
                }
                if let Some(pause) = retry::pause(error.meaning(), 0, retry::random()) {
                    tokio::time::sleep(pause).await;
                }
                match part.split_at(part.len() / 2) {
                    ([], one) => work.insert(0, (one.to_vec(), tried + 1)),
                    (some, others) => work.extend([(some.to_vec(), 0), (others.to_vec(), 0)]),
                }
            }
        }
    }
    let outcome = |Renewal { lease, .. }: &Renewal| {
        let identity = (key(&lease.name), owner(lease.holder), lease.token.get());
        if renewed.contains(&identity) { RenewOutcome::Renewed } else { RenewOutcome::NotHeld }
    };
    Ok(leases.iter().map(outcome).collect())
}

/// The leases in groups that one query each can renew: of one name each has only one.
pub(crate) fn rounds(leases: &[Renewal]) -> Vec<Vec<&Renewal>> {
    let mut times: HashMap<&LockName, usize> = HashMap::new();
    let mut rounds: Vec<Vec<&Renewal>> = Vec::new();
    for renewal in leases {
        let time = times.entry(&renewal.lease.name).or_default();
        if rounds.len() <= *time {
            rounds.push(Vec::new());
        }
        rounds[*time].push(renewal);
        *time += 1;
    }
    rounds.iter().flat_map(|round| round.chunks(MOST)).map(<[_]>::to_vec).collect()
}

/// The lease of a row.
fn found(row: &Value) -> Option<(String, String, u64)> {
    Some((row["key"].as_str()?.to_owned(), row["owner"].as_str()?.to_owned(), whole(&row["token"])?))
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
mod tests;
