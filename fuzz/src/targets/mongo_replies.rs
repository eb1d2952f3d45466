//! Replies of MongoDB to commands: each failure in them is seen, and each is sorted.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc, spec::BinarySubtype};
use shylock_core::{BackendError, Failure, LeaseKey};

use super::bson::{alter, document, found, owner, value};
use crate::input::Input;

type FailureOf = fn(&Document) -> Option<BackendError>;
type Leases = fn(&Document) -> Result<Vec<LeaseKey>, BackendError>;

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_mongo::fuzzing::failure, shylock_mongo::fuzzing::leases);
}

fn check(data: &[u8], failure: FailureOf, leases: Leases) {
    let mut input = Input::new(data);
    let reply = if input.flag() { reply(&mut input) } else { document(input.rest()).unwrap_or_default() };
    judge(&reply, failure(&reply));
    for field in ["n", "nModified"] {
        let known = match reply.get(field) {
            Some(Bson::Int32(known)) => Some(i64::from(*known)),
            Some(Bson::Int64(known)) => Some(*known),
            _ => None,
        };
        let known = known.and_then(|known| usize::try_from(known).ok());
        match shylock_mongo::fuzzing::count(&reply, field) {
            Ok(count) => assert_eq!(Some(count), known, "{reply}"),
            Err(error) => {
                assert_eq!(
                    (error.failure(), known),
                    (&Failure::Ambiguous, None),
                    "what is not counted is unknown: {reply}"
                );
            }
        }
    }
    let batch = reply.get_document("cursor").ok().and_then(|cursor| cursor.get_array("firstBatch").ok());
    let Ok(leases) = leases(&reply) else {
        return assert!(batch.is_none(), "{reply}");
    };
    let batch = batch.expect("leases come from a batch");
    let wanted: Vec<&Document> = batch.iter().filter_map(Bson::as_document).filter(|found| is_lease(found)).collect();
    assert_eq!(leases.len(), wanted.len(), "{reply}");
    for (lease, found) in leases.iter().zip(wanted) {
        assert_eq!(Some(lease.name.as_str()), found.get_str("_id").ok());
        assert_eq!(i64::try_from(lease.token.get()).ok(), found.get_i64("token").ok());
        let owner = matches!(found.get("owner"), Some(Bson::Binary(owner)) if owner.bytes == lease.holder.as_bytes());
        assert!(owner, "{found}");
    }
}

/// Whether the failure is the one that the reply tells of.
fn judge(reply: &Document, failure: Option<BackendError>) {
    let refused = reply.get_array("writeErrors").ok().and_then(|all| all.first()?.as_document());
    let unsure = reply.get_document("writeConcernError").is_ok();
    let Some(failure) = failure else {
        return assert!(refused.is_none() && !unsure, "a failure was overlooked: {reply}");
    };
    assert!(failure.retry_after().is_none_or(|pause| pause <= Duration::from_secs(60)), "{failure:?}");
    match (refused, unsure) {
        (Some(error), _) => {
            let code = error.get_i32("code").unwrap_or_default();
            if reply.contains_key("errorLabels") {
                return;
            }
            let kind = match code {
                112 | 11000 | 10107 | 16500 => Failure::NotApplied,
                0 | 91 | 64 | 11600 => Failure::Ambiguous,
                13 | 121 => Failure::Permanent,
                _ => return,
            };
            assert_eq!(*failure.failure(), kind, "{code}");
            assert_eq!(failure.retry_after().is_some(), code == 16500);
        }
        (None, true) => assert_eq!(*failure.failure(), Failure::Ambiguous, "the write may be undone"),
        (None, false) => panic!("a failure out of nothing: {reply}"),
    }
}

fn is_lease(found: &Document) -> bool {
    let Some(Bson::Binary(owner)) = found.get("owner") else { return false };
    let named = found.get_str("_id").is_ok_and(|name| shylock_core::LockName::new(name).is_ok());
    let token = found.get_i64("token").is_ok_and(|token| (1..1 << 53).contains(&token));
    owner.bytes.len() == 16 && owner.subtype == BinarySubtype::Generic && named && token
}

/// A reply as servers give them, in which some fields are something else.
fn reply(input: &mut Input<'_>) -> Document {
    let code = input.pick(&[112, 11000, 10107, 16500, 91, 64, 11600, 0, 13, 121, -1]);
    let message = input.pick(&["RetryAfterMs=24, Details", "RetryAfterMs=99999999999999999999", "no", ""]).to_owned();
    let mut error = doc! { "index": 0, "code": code, "errmsg": message + &input.text() };
    alter(&mut error, &["code", "errmsg", "codeName", "errInfo"], input);
    let mut lease = doc! { "_id": "a lock", "owner": owner(0xa1, 16), "token": 7_i64 };
    alter(&mut lease, &["_id", "owner", "token"], input);
    let mut reply = match input.byte() % 6 {
        0 => doc! { "n": 1, "nModified": 1, "ok": 1.0 },
        1 => doc! { "n": 0, "writeErrors": [error], "ok": 1.0 },
        2 => doc! { "n": 1_i64, "nModified": 1_i64, "writeConcernError": error, "ok": 1.0 },
        3 => doc! { "cursor": { "firstBatch": [lease], "id": 0_i64, "ns": "a.b" }, "ok": 1.0 },
        4 => doc! { "cursor": { "firstBatch": [found(input), value(input)] }, "ok": 1.0 },
        _ => doc! { "n": 1, "writeErrors": [&error, &lease], "writeConcernError": &error, "value": found(input) },
    };
    alter(&mut reply, &["n", "nModified", "writeErrors", "writeConcernError", "cursor", "value", "ok"], input);
    reply
}

#[cfg(test)]
mod tests {
    use shylock_mongo::fuzzing::{failure, leases};

    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(failure: FailureOf, leases: Leases) {
        hunt(&|data| check(data, failure, leases), &corpus("mongo_replies"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn failures_that_are_overlooked_are_found() {
        finds(|reply| failure(reply).filter(|failure| *failure.failure() != Failure::Ambiguous), leases);
        finds(|reply| failure(reply).filter(|_| !reply.contains_key("writeErrors")), leases);
    }

    #[test]
    fn failures_that_are_taken_for_others_are_found() {
        finds(|reply| failure(reply).map(BackendError::ambiguous), leases);
        finds(|reply| failure(reply).map(|error| BackendError::not_applied(error, None)), leases);
    }

    #[test]
    fn leases_that_are_none_are_found() {
        finds(failure, |reply| leases(reply).map(|all| all.into_iter().skip(1).collect()));
        finds(failure, |reply| leases(reply).or(Ok(Vec::new())));
    }
}
