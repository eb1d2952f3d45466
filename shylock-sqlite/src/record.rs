//! A lock's row, read back as an [`Entry`]. Whatever this crate does not write is corrupt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Row, types::ValueRef};
use shylock_core::{
    FencingToken, HolderId, HolderInfo, LockInfo, LockName,
    record::{Entry, FARTHEST_END, Record},
};

use crate::clock::{Era, IS_STEADY};

/// Reads `token, holder, acquired, ends, host, pid, note`; or says what is wrong with them.
pub(crate) fn read(row: &Row<'_>, era: &Era, now: Duration) -> Result<Entry, &'static str> {
    let token =
        integer(row, "token").and_then(FencingToken::stored).ok_or("its token is no number from 1 to 2^53 − 2")?;
    let holder = match row.get_ref("holder") {
        Ok(ValueRef::Blob(bytes)) => bytes.try_into().ok(),
        _ => None,
    };
    let holder = holder.map(HolderId::from_bytes).ok_or("its holder is no 128-bit id")?;
    let acquired = time(row, "acquired").ok_or("the time of its acquisition is no time")?;
    let ends = time(row, "ends").ok_or("the end of its lease is no time")?;
    // Its holder ended with the machine, in an earlier start of it whose clock had come further.
    let ends = if IS_STEADY && acquired > now { Duration::ZERO } else { ends };
    if ends.saturating_sub(now) > FARTHEST_END {
        return Err("the end of its lease is farther away than any lease can be");
    }
    // … or before this start.
    let ends = if acquired < era.began { Duration::ZERO } else { ends };
    let pid = integer(row, "pid").and_then(|pid| u32::try_from(pid).ok());
    let info = HolderInfo { host: text(row, "host"), pid, note: text(row, "note") };
    Ok(Entry { record: Record { token, holder, acquired, ends }, info })
}

/// What others are told. Since the file's clock may be ahead of the wall clock, the time of the acquisition is given
/// by its age.
pub(crate) fn by_age(info: LockInfo, now: Duration) -> LockInfo {
    let age = now.saturating_sub(info.acquired.duration_since(UNIX_EPOCH).unwrap_or_default());
    let wall = SystemTime::now();
    LockInfo { acquired: wall.checked_sub(age).unwrap_or(wall), ..info }
}

/// As it is stored.
pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

pub(crate) fn name(row: &Row<'_>) -> Option<LockName> {
    LockName::new(row.get_ref("name").ok()?.as_str().ok()?).ok()
}

fn time(row: &Row<'_>, column: &str) -> Option<Duration> {
    integer(row, column).map(Duration::from_micros)
}

fn integer(row: &Row<'_>, column: &str) -> Option<u64> {
    u64::try_from(row.get_ref(column).ok()?.as_i64().ok()?).ok()
}

fn text(row: &Row<'_>, column: &str) -> Option<String> {
    Some(row.get_ref(column).ok()?.as_str().ok()?.to_owned())
}
