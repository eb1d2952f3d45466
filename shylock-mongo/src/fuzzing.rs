//! Doors for our fuzz targets. No public API: they change with any version.

use std::time::Duration;

use mongodb::bson::Document;
use shylock_core::{AcquireRequest, Attempt, BackendError, LeaseKey, LockInfo, LockName, Result};

use crate::{backend, builder::invalid, command, prefix, record, uri};

/// Who holds a lock, or did last, by `{ record, now }`. `None`: it is free.
///
/// # Errors
/// The record is corrupt, or there is none.
pub fn holder(name: &LockName, found: &Document, skew: Duration) -> Result<Option<LockInfo>, BackendError> {
    record::read(name, Some(found), skew)
}

/// What the reply to an attempt says.
///
/// # Errors
/// It says nothing, or its record is corrupt.
pub fn attempt(request: &AcquireRequest, reply: &Document, skew: Duration) -> Result<Attempt, BackendError> {
    backend::attempt(request, reply, skew)
}

/// The failure that a reply tells of.
#[must_use]
pub fn failure(reply: &Document) -> Option<BackendError> {
    command::failure(reply)
}

/// A count in a reply.
///
/// # Errors
/// There is none that is a whole number.
pub fn count(reply: &Document, field: &str) -> Result<usize, BackendError> {
    command::count(reply, field)
}

/// The leases in a reply to `find`.
///
/// # Errors
/// There is no batch.
pub fn leases(reply: &Document) -> Result<Vec<LeaseKey>, BackendError> {
    Ok(command::batch(reply)?.into_iter().filter_map(record::key).collect())
}

/// The end of the range of all texts that begin with this one.
#[must_use]
pub fn after_prefix(text: &str) -> Option<String> {
    prefix::after_prefix(text)
}

/// Whether an address is taken.
///
/// # Errors
/// It is not, and why.
pub async fn uri(address: &str) -> Result<()> {
    // With the feature `dns-srv` it would be looked up, in a network.
    if address.starts_with("mongodb+srv:") {
        return Err(invalid("uri", uri::check(address).err().unwrap_or("it has to be looked up")));
    }
    uri::parse(address, Duration::ZERO).await.map(drop)
}
