//! Documents of MongoDB that should be records of locks: sound or corrupt, and a grant only to the holder of a live
//! lease.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc, spec::BinarySubtype};
use shylock_core::{AcquireRequest, Attempt, BackendError, Failure, HolderId, HolderInfo, LockInfo, LockName};

use super::bson::{document, found};
use crate::input::{Input, ME, lock};

type Read = fn(&LockName, &Document, Duration) -> Result<Option<LockInfo>, BackendError>;
type Try = fn(&AcquireRequest, &Document, Duration) -> Result<Attempt, BackendError>;

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_mongo::fuzzing::holder, shylock_mongo::fuzzing::attempt);
}

fn check(data: &[u8], read: Read, attempt: Try) {
    let mut input = Input::new(data);
    let skew = Duration::from_millis(u64::from(input.byte()) * 10);
    let found = if input.flag() { found(&mut input) } else { document(input.rest()).unwrap_or_default() };
    let holder = read(&lock(), &found, skew);
    let request =
        AcquireRequest { name: lock(), holder: ME, ttl: Duration::from_secs(30), info: HolderInfo::default() };
    let attempt = attempt(&request, &doc! { "value": &found }, skew);
    let Some((owner, token, left)) = sound(&found) else {
        for error in [holder.expect_err("not sound"), attempt.expect_err("not sound")] {
            let failure = error.failure();
            assert!(matches!(failure, Failure::Corrupt { .. } | Failure::Ambiguous), "{failure:?}: {found}");
        }
        return;
    };
    let holder = holder.unwrap_or_else(|error| panic!("{error}: {found}"));
    let mine = owner == Some(ME) && left > 0;
    match (attempt, owner) {
        (Ok(Attempt::Granted(grant)), _) => assert!(mine && i128::from(grant.token.get()) == token, "{found}"),
        (Ok(Attempt::Held(info)), Some(_)) => assert!(!mine && Some(&info) == holder.as_ref(), "{found}"),
        (Ok(attempt), None) => panic!("{attempt:?} of nobody's: {found}"),
        // A record that is free after an attempt is one that the attempt could not take.
        (Err(error), _) => assert!(owner.is_none() && matches!(error.failure(), Failure::Corrupt { .. }), "{found}"),
    }
    assert_eq!(holder.is_none(), owner.is_none(), "{found}");
    let Some(info) = holder else { return };
    // The end of all time is not postponed.
    let until_the_end = i128::from(i64::MAX) - i128::from(found.get_datetime("now").expect("sound").timestamp_millis());
    let grace = 2 * i128::try_from(skew.as_millis()).unwrap_or_default();
    let spans = [left.max(0), (left + grace).min(until_the_end).max(0)];
    let told = [info.remaining, info.takeover_in].map(|span| i128::try_from(span.as_millis()).unwrap_or(i128::MAX));
    assert_eq!((Some(info.holder), i128::from(info.token.get()), told), (owner, token, spans), "{found}");
    let record = found.get_document("record").expect("sound");
    assert_eq!(
        (info.host.as_deref(), info.note.as_deref()),
        (record.get_str("host").ok(), record.get_str("note").ok())
    );
}

/// The owner, the token and the milliseconds that are left of the lease, if this is as we would have written it.
fn sound(found: &Document) -> Option<(Option<HolderId>, i128, i128)> {
    let (Some(Bson::Document(record)), Some(Bson::DateTime(now))) = (found.get("record"), found.get("now")) else {
        return None;
    };
    let (Some(Bson::Int64(token)), Some(Bson::DateTime(ends))) = (record.get("token"), record.get("expiresAt")) else {
        return None;
    };
    let left = i128::from(ends.timestamp_millis()) - i128::from(now.timestamp_millis());
    let owner = match record.get("owner")? {
        Bson::Null if left <= 0 => None,
        Bson::Binary(binary) if binary.bytes.len() == 16 && binary.subtype == BinarySubtype::Generic => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&binary.bytes);
            Some(HolderId::from_bytes(bytes))
        }
        _ => return None,
    };
    let sound = (1..(1 << 53) - 1).contains(token) && left <= 25 * 60 * 60 * 1000;
    sound.then_some((owner, i128::from(*token), left))
}

#[cfg(test)]
mod tests {
    use shylock_mongo::fuzzing::{attempt, holder};

    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(read: Read, attempt: Try) {
        hunt(&|data| check(data, read, attempt), &corpus("mongo_records"), 1, 20_000).expect_err("it is found");
    }

    /// The document with another value of a field of the record.
    fn with(found: &Document, field: &str, value: impl Into<Bson>) -> Document {
        let mut found = found.clone();
        if let Ok(record) = found.get_document_mut("record") {
            record.insert(field, value);
        }
        found
    }

    #[test]
    fn a_grant_out_of_nonsense_is_found() {
        // To whoever asks; by a token that is no long; of a lease that has ended.
        finds(holder, |request, reply, skew| {
            let value = reply.get_document("value").expect("it is there");
            let owner = shylock_mongo::fuzzing::holder(&request.name, value, skew)?.map(|info| info.holder);
            attempt(&AcquireRequest { holder: owner.unwrap_or(ME), ..request.clone() }, reply, skew)
        });
        finds(holder, |request, reply, skew| {
            let value = reply.get_document("value").expect("it is there");
            let token = value.get_document("record").ok().and_then(|record| record.get_i32("token").ok());
            let value = token.map_or_else(|| value.clone(), |token| with(value, "token", i64::from(token.max(1))));
            attempt(request, &doc! { "value": value }, skew)
        });
        finds(holder, |request, reply, skew| {
            let mut reply = reply.clone();
            if let Ok(value) = reply.get_document_mut("value")
                && value.get_datetime("now").is_ok()
            {
                value.insert("now", super::super::bson::date(super::super::bson::NOW - 60_000));
            }
            attempt(request, &reply, skew)
        });
    }

    #[test]
    fn corrupt_records_that_are_taken_for_free_ones_are_found() {
        finds(|name, found, skew| holder(name, found, skew).or(Ok(None)), attempt);
    }

    #[test]
    fn a_skew_that_is_not_allowed_for_is_found() {
        finds(|name, found, _| holder(name, found, Duration::ZERO), attempt);
    }
}
