//! The stored record of a lock, as it comes back from the server beside the server's time.

use std::time::{Duration, SystemTime};

use mongodb::bson::{Binary, Bson, DateTime, Document, spec::BinarySubtype};
use shylock_core::{BackendError, FencingToken, HolderId, LeaseKey, LockInfo, LockName, record::FARTHEST_END};

use crate::mongo_error::MongoError;

/// Who holds the lock, or did last, by `{ record, now }`; `None` where nobody did since its release. Whatever
/// [`queries`](crate::query) does not write is corrupt.
pub(crate) fn read(
    name: &LockName,
    found: Option<&Document>,
    skew: Duration,
) -> Result<Option<LockInfo>, BackendError> {
    let Some(found) = found else { return Ok(None) };
    let (Ok(record), Ok(now)) = (found.get_document("record"), found.get_datetime("now")) else {
        return Err(BackendError::ambiguous(MongoError::new("the reply of the server has no record, or not its time")));
    };
    read_fields(name, record, *now, skew).map_err(|detail| BackendError::corrupt(name.clone(), detail))
}

fn read_fields(
    name: &LockName,
    record: &Document,
    now: DateTime,
    skew: Duration,
) -> Result<Option<LockInfo>, &'static str> {
    let token = match record.get("token") {
        Some(Bson::Int64(token)) => u64::try_from(*token).ok().and_then(FencingToken::stored),
        Some(_) => return Err("its token is no 64-bit integer"),
        None => return Err("it has no token"),
    };
    let token = token.ok_or("its token is out of range")?;
    let ends = match record.get("expiresAt") {
        Some(Bson::DateTime(ends)) => *ends,
        Some(_) => return Err("the end of its lease is no date"),
        None => return Err("it has no end of the lease"),
    };
    let left = between(now, ends);
    if left > FARTHEST_END {
        return Err("the end of its lease is farther away than any lease can be");
    }
    let holder = match record.get("owner") {
        Some(Bson::Binary(owner)) => id(owner).ok_or("its owner is no 128-bit id")?,
        Some(Bson::Null) if left.is_zero() => return Ok(None),
        Some(Bson::Null) => return Err("it has a lease without an owner"),
        Some(_) => return Err("its owner is neither binary nor null"),
        None => return Err("it has no owner"),
    };
    Ok(Some(LockInfo {
        name: name.clone(),
        holder,
        token,
        host: text(record, "host"),
        pid: record.get_i64("pid").ok().and_then(|pid| u32::try_from(pid).ok()),
        note: text(record, "note"),
        acquired: record.get_datetime("acquiredAt").map_or(SystemTime::UNIX_EPOCH, |at| at.to_system_time()),
        remaining: left,
        takeover_in: between(now, plus(ends, 2 * skew)),
    }))
}

/// The lease of `{ _id, owner, token }`.
pub(crate) fn key(found: &Document) -> Option<LeaseKey> {
    let Some(Bson::Binary(owner)) = found.get("owner") else { return None };
    let token = u64::try_from(found.get_i64("token").ok()?).ok()?;
    Some(LeaseKey {
        name: LockName::new(found.get_str("_id").ok()?).ok()?,
        holder: id(owner)?,
        token: FencingToken::new(token)?,
    })
}

/// The id of a holder, as it is written.
fn id(owner: &Binary) -> Option<HolderId> {
    let bytes = owner.bytes.as_slice().try_into().ok()?;
    (owner.subtype == BinarySubtype::Generic).then(|| HolderId::from_bytes(bytes))
}

fn text(record: &Document, field: &str) -> Option<String> {
    record.get_str(field).ok().map(str::to_owned)
}

fn between(earlier: DateTime, later: DateTime) -> Duration {
    let ms = later.timestamp_millis().saturating_sub(earlier.timestamp_millis());
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

fn plus(date: DateTime, time: Duration) -> DateTime {
    DateTime::from_millis(date.timestamp_millis().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
