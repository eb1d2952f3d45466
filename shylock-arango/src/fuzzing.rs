//! Doors for our fuzz targets. No public API: they change with any version.

use std::time::Duration;

use serde_json::Value;
use shylock_core::{BackendError, Grant, HolderId, LockInfo, LockName, Result};

use crate::{RequestError, database, http::pass, key, number, record, reply::Reply, uri};

/// The key of a name.
#[must_use]
pub fn key(name: &LockName) -> String {
    key::key(name)
}

/// A whole number.
#[must_use]
pub fn whole(value: &Value) -> Option<u64> {
    number::whole(value)
}

/// Who holds a lock, or did last, by a row. `None`: it is free.
///
/// # Errors
/// The record is corrupt, or there is none.
pub fn holder(name: &LockName, row: &Value, skew: Duration) -> Result<Option<LockInfo>, BackendError> {
    record::read(name, row, skew)
}

/// What a row grants to a holder.
#[must_use]
pub fn grant(name: &LockName, row: &Value, skew: Duration, holder: HolderId) -> Option<Grant> {
    record::read(name, row, skew).ok()??.grant_of(holder)
}

/// The answer in a body.
///
/// # Errors
/// There is none, or it tells of an error.
pub fn answer(status: u16, body: &str) -> Result<Value, RequestError> {
    Reply { status, body: body.into() }.read()
}

/// The rows in the answer to a query.
///
/// # Errors
/// There are none, or they are not all.
pub fn rows(status: u16, answer: Value) -> Result<Vec<Value>, RequestError> {
    database::found(status, answer)
}

/// What a failed write and a failed read mean.
#[must_use]
pub fn meaning(error: RequestError, write: bool) -> BackendError {
    if write { error.of_write() } else { error.of_read() }
}

/// An address, parsed.
///
/// # Errors
/// It is none, and why.
pub fn uri(address: &str) -> Result<String> {
    uri::parse(address).map(String::from)
}

/// Where a path is at an endpoint.
#[must_use]
pub fn at(endpoint: &str, path: &str) -> Option<String> {
    uri::at(&uri::parse(endpoint).ok()?, path).map(String::from)
}

/// How long a token lives.
#[must_use]
pub fn lifetime(token: &str) -> Option<Duration> {
    pass::lifetime(token)
}
