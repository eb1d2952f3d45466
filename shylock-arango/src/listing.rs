//! Listing locks: pages of records by the bytes of their names.

use serde_json::Value;
use shylock_core::{ListQuery, LockInfo, LockName};

use crate::{
    database::Database,
    error::RequestError,
    query::Queries,
    record::{self, NOBODY},
};

/// How many records one query brings, so that an answer of long notes stays within its limit.
const PAGE: usize = 200;

/// The live leases that were asked for. Records that are corrupt are left out.
pub(crate) async fn page(
    database: &Database,
    queries: &Queries,
    query: &ListQuery,
) -> Result<Vec<LockInfo>, RequestError> {
    let limit = query.limit.max(1);
    let mut found = Vec::new();
    let mut rows = Vec::new();
    loop {
        // What the list is ordered by, whatever else is wrong with the record.
        let last = rows.last().and_then(|row: &Value| row["bytes"].as_array()).map(Vec::as_slice);
        let wanted = PAGE.min(limit - found.len());
        rows = database.run(&queries.list(query, last, wanted)).await?;
        found.extend(rows.iter().filter_map(|row| live(row, queries)));
        if found.len() >= limit || rows.len() < wanted {
            return Ok(found);
        }
    }
}

fn live(row: &Value, queries: &Queries) -> Option<LockInfo> {
    let name = LockName::new(row["name"].as_str()?).ok()?;
    if row["owner"] == NOBODY {
        return None;
    }
    record::read(&name, row, queries.skew).ok()?.filter(LockInfo::is_live)
}
