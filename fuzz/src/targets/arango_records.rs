//! Rows of ArangoDB that should be records of locks: sound or corrupt, and a grant only to the holder of a live lease.

use std::time::Duration;

use serde_json::{Value, json};
use shylock_core::{BackendError, Failure, Grant, HolderId, LockInfo, LockName};

use super::json::{exact, value};
use crate::input::{Input, ME, lock};

type Read = fn(&LockName, &Value, Duration) -> Result<Option<LockInfo>, BackendError>;
type GrantOf = fn(&LockName, &Value, Duration, HolderId) -> Option<Grant>;

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_arango::fuzzing::holder, shylock_arango::fuzzing::grant);
}

fn check(data: &[u8], read: Read, grant: GrantOf) {
    let mut input = Input::new(data);
    let skew = Duration::from_millis(u64::from(input.byte()) * 10);
    let row = if input.flag() { row(&mut input) } else { serde_json::from_slice(input.rest()).unwrap_or_default() };
    let found = read(&lock(), &row, skew);
    let grant = grant(&lock(), &row, skew, ME);
    let Some((owner, token, left)) = sound(&row) else {
        let error = found.expect_err("a record that is not sound is an error");
        let failure = error.failure();
        assert!(matches!(failure, Failure::Corrupt { .. } | Failure::Ambiguous), "{failure:?}: {row}");
        assert_eq!(grant, None, "{row}");
        return;
    };
    let found = found.unwrap_or_else(|error| panic!("{error}: {row}"));
    assert_eq!(found.is_none(), owner.is_none(), "{row}");
    let live = left > 0.0 && Duration::from_secs_f64(left) > Duration::ZERO;
    let mine = owner == Some(ME) && live;
    assert_eq!(grant.map(|grant| grant.token.get()), mine.then_some(token), "{row}");
    let Some(info) = found else { return };
    assert_eq!((Some(info.holder), info.token.get()), (owner, token), "{row}");
    assert_eq!(!info.remaining.is_zero(), live, "{row}");
    assert!(info.takeover_in >= info.remaining, "{row}");
    assert!(info.remaining <= Duration::from_secs(25 * 60 * 60), "{row}");
    // Doubles of this size are a quarter of a microsecond apart.
    let longest = Duration::from_secs(25 * 60 * 60) + 2 * skew + Duration::from_millis(1);
    assert!(info.takeover_in <= longest, "{row}");
    assert_eq!((info.host.as_deref(), info.note.as_deref()), (row["host"].as_str(), row["note"].as_str()));
}

/// The owner, the token and what is left of the lease, if this row is as we would have written it.
fn sound(row: &Value) -> Option<(Option<HolderId>, u64, f64)> {
    let (now, ends) = (row["now"].as_f64()?, row["expiresAt"].as_f64()?);
    let token = exact(&row["token"])?;
    let owner = match row["owner"].as_str()? {
        "" => None,
        text => Some(HolderId::from_bytes(bytes(text)?)),
    };
    let sound = row["name"].as_str() == Some("a lock")
        && (1..(1 << 53) - 1).contains(&token)
        && ends >= 0.0
        && ends <= now + 90_000.0;
    sound.then_some((owner, token, ends - now))
}

/// 32 hexadecimal digits, small ones.
fn bytes(text: &str) -> Option<[u8; 16]> {
    let digit = |digit: &u8| b"0123456789abcdef".iter().position(|known| known == digit);
    let digits: Vec<usize> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|two| u8::try_from(two[0] * 16 + two.get(1)?).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// A sound row, in which some fields are something else.
fn row(input: &mut Input<'_>) -> Value {
    let now = 1_795_000_000.5;
    let left = input.pick(&[20.0, 0.0, -20.0, 0.001, -0.001, 90_000.0, 90_000.001, -now, -now - 0.5, 1e-12]);
    let owner = input.pick(&["a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", ""]);
    let mut row = json!({
        "name": "a lock", "owner": owner, "token": 7, "acquiredAt": now, "expiresAt": now + left, "now": now,
        "host": "here", "pid": 4711, "note": null,
    });
    for _ in 0..input.byte() % 4 {
        let fields = ["name", "owner", "token", "acquiredAt", "expiresAt", "now", "host", "pid", "note"];
        let field = input.pick(&fields);
        match value(input) {
            Some(value) => row[field] = value,
            None => drop(row.as_object_mut().expect("it is one").remove(field)),
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use shylock_arango::fuzzing::{grant, holder};

    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(read: Read, grant: GrantOf) {
        hunt(&|data| check(data, read, grant), &corpus("arango_records"), 1, 20_000).expect_err("it is found");
    }

    fn with(row: &Value, field: &str, value: Value) -> Value {
        let mut row = row.clone();
        if row.is_object() {
            row[field] = value;
        }
        row
    }

    #[test]
    fn a_grant_out_of_nonsense_is_found() {
        // An ended lease, a name that is another one, a token that is a fraction.
        finds(holder, |name, row, skew, me| grant(name, &with(row, "now", 1_795_000_000.into()), skew, me));
        finds(holder, |name, row, skew, me| grant(name, &with(row, "name", "a lock".into()), skew, me));
        finds(holder, |name, row, skew, me| {
            let token = row["token"].as_f64().filter(|token| token.fract() > 0.0);
            grant(name, &token.map_or_else(|| row.clone(), |_| with(row, "token", 1.into())), skew, me)
        });
    }

    #[test]
    fn corrupt_records_that_are_taken_for_free_ones_are_found() {
        finds(|name, row, skew| holder(name, row, skew).or(Ok(None)), grant);
        finds(
            |name, row, skew| match &row["owner"] {
                Value::String(owner) => holder(name, &with(row, "owner", owner.to_lowercase().into()), skew),
                _ => holder(name, row, skew),
            },
            grant,
        );
    }
}
