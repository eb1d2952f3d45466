//! The stored record of a lock, as it comes back from the server beside the server's time.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use shylock_core::{BackendError, FencingToken, HolderId, LockInfo, LockName, record::FARTHEST_END};

use crate::{
    key::hex,
    number::{double, whole},
};

/// The owner of a free lock. Not null, which would be the same as none at all.
pub(crate) const NOBODY: &str = "";

/// The holder as it is stored.
pub(crate) fn owner(holder: HolderId) -> String {
    hex(holder.as_bytes())
}

/// Who holds the lock, or did last, by a row of `take`, `hand_off`, `peek` or `list`; `None` where nobody did since its
/// release. Whatever these texts do not write is corrupt.
pub(crate) fn read(name: &LockName, row: &Value, skew: Duration) -> Result<Option<LockInfo>, BackendError> {
    let Some(now) = double(&row["now"]) else {
        return Err(BackendError::ambiguous("the server answers with something else than record and time"));
    };
    fields(name, row, now, skew).map_err(|detail| BackendError::corrupt(name.clone(), detail))
}

/// The token of a row, if it is one.
pub(crate) fn token(row: &Value) -> Option<FencingToken> {
    whole(&row["token"]).and_then(FencingToken::stored)
}

fn fields(name: &LockName, row: &Value, now: f64, skew: Duration) -> Result<Option<LockInfo>, &'static str> {
    match &row["name"] {
        Value::String(stored) if stored == name.as_str() => {}
        Value::Null => return Err("it has no name"),
        _ => return Err("its name is another one"),
    }
    let token = match &row["token"] {
        Value::Null => return Err("it has no token"),
        // The largest is kept back: no acquisition could follow it.
        Value::Number(_) => token(row).ok_or("its token is out of range")?,
        _ => return Err("its token is no number"),
    };
    let ends = match &row["expiresAt"] {
        Value::Null => return Err("it has no end of the lease"),
        ends => double(ends).ok_or("the end of its lease is no number")?,
    };
    if ends < 0.0 {
        return Err("the end of its lease is before 1970");
    }
    if ends > now + FARTHEST_END.as_secs_f64() {
        return Err("the end of its lease is farther away than any lease can be");
    }
    let holder = match &row["owner"] {
        Value::String(owner) if owner == NOBODY => return Ok(None),
        Value::String(owner) => holder(owner).ok_or("its owner is no 128-bit id")?,
        Value::Null => return Err("it has no owner"),
        _ => return Err("its owner is no text"),
    };
    let text = |field: &str| row[field].as_str().map(str::to_owned);
    Ok(Some(LockInfo {
        name: name.clone(),
        holder,
        token,
        host: text("host"),
        pid: whole(&row["pid"]).and_then(|pid| u32::try_from(pid).ok()),
        note: text("note"),
        acquired: since_1970(double(&row["acquiredAt"]).unwrap_or_default()),
        remaining: seconds(ends - now),
        // As the server computes it, so that both agree to the last bit.
        takeover_in: seconds(ends + grace(skew) - now),
    }))
}

/// How many seconds after its end a lease may be taken over.
pub(crate) fn grace(skew: Duration) -> f64 {
    (2 * skew).as_secs_f64()
}

fn holder(owner: &str) -> Option<HolderId> {
    // `from_str_radix` would also take a sign and capitals, which we do not write.
    let ours = owner.len() == 32 && owner.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let number = if ours { u128::from_str_radix(owner, 16).ok()? } else { return None };
    Some(HolderId::from_bytes(number.to_be_bytes()))
}

/// A time span, zero if it is none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}

fn since_1970(at: f64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(seconds(at)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
