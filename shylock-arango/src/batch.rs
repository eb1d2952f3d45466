//! Renewing and releasing many leases: what goes into one query, and what to do when one of them is in somebody's way.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use shylock_core::{BackendError, LeaseKey, LockName, ReleaseOutcome, RenewOutcome, Renewal};

use crate::{
    backend::not_held,
    database::{Database, is_contention},
    error::RequestError,
    key::key,
    number::whole,
    query::{Queries, Query},
    record::owner,
    retry,
    setup::Ready,
};

/// How many leases one query renews: it holds the locks of all their records.
const MOST: usize = 500;
/// How often the query of a single lease is tried again that meets another writer.
const REPEATS: u32 = 8;

/// Key, owner and token of a lease.
type Identity = (String, String, u64);

/// The leases that were found and changed.
struct Changed {
    leases: HashSet<Identity>,
    /// Whether a query was sent again after a conflict.
    repeated: bool,
}

/// Renews them; answers in their order.
pub(crate) async fn renew(
    database: &Database,
    queries: &Queries,
    leases: &[Renewal],
) -> Result<Vec<RenewOutcome>, RequestError> {
    let changed = change(database, leases, |renewal| &renewal.lease, |part| queries.renew(part)).await?;
    let outcome = |Renewal { lease, .. }: &Renewal| {
        if changed.leases.contains(&identity(lease)) { RenewOutcome::Renewed } else { RenewOutcome::NotHeld }
    };
    Ok(leases.iter().map(outcome).collect())
}

/// Releases them; answers in their order.
pub(crate) async fn release(
    database: &Database,
    ready: &Ready,
    leases: &[LeaseKey],
) -> Result<Vec<ReleaseOutcome>, BackendError> {
    let query = |part: &[&LeaseKey]| ready.queries.release(part);
    let changed = change(database, leases, |lease| lease, query).await.map_err(|error| ready.of_write(error))?;
    let outcome = |lease: &LeaseKey| match changed.leases.contains(&identity(lease)) {
        true => Ok(ReleaseOutcome::Released),
        false => not_held(changed.repeated).map(|()| ReleaseOutcome::NotHeld),
    };
    leases.iter().map(outcome).collect()
}

/// One round trip, unless there are very many, or one of them meets another writer: then all of that query is undone, and
/// it is split until the others are through.
async fn change<T: Sync>(
    database: &Database,
    items: &[T],
    lease: impl Fn(&T) -> &LeaseKey,
    query: impl Fn(&[&T]) -> Query,
) -> Result<Changed, RequestError> {
    let mut changed = Changed { leases: HashSet::new(), repeated: false };
    let mut work: Vec<(Vec<&T>, u32)> = rounds(items, lease).into_iter().map(|round| (round, 0)).collect();
    while let Some((part, tried)) = work.pop() {
        match database.run_once(&query(&part)).await {
            Ok(rows) => changed.leases.extend(rows.iter().filter_map(found)),
            Err(error) if !is_contention(&error) => match retry::pause(error.meaning(), tried, retry::random()) {
                Some(pause) => {
                    tokio::time::sleep(pause).await;
                    changed.repeated = true;
                    work.push((part, tried + 1));
                }
                None => return Err(error),
            },
            Err(error) => {
                if part.len() == 1 && tried >= REPEATS {
                    return Err(error);
                }
                changed.repeated = true;
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
    Ok(changed)
}

fn identity(lease: &LeaseKey) -> Identity {
    (key(&lease.name), owner(lease.holder), lease.token.get())
}

/// The leases in groups that one query each can change: of one name each has only one.
fn rounds<T>(items: &[T], lease: impl Fn(&T) -> &LeaseKey) -> Vec<Vec<&T>> {
    let mut times: HashMap<&LockName, usize> = HashMap::new();
    let mut rounds: Vec<Vec<&T>> = Vec::new();
    for item in items {
        let time = times.entry(&lease(item).name).or_default();
        if rounds.len() <= *time {
            rounds.push(Vec::new());
        }
        rounds[*time].push(item);
        *time += 1;
    }
    rounds.iter().flat_map(|round| round.chunks(MOST)).map(<[_]>::to_vec).collect()
}

/// The lease of a row.
fn found(row: &Value) -> Option<Identity> {
    Some((row["key"].as_str()?.to_owned(), row["owner"].as_str()?.to_owned(), whole(&row["token"])?))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
