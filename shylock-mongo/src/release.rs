//! What the server answers to a batch of releases.
//!
//! The reply to `update` counts, and does not say which statement has changed something. So a release of what is not the
//! caller's fails on purpose ([`NOT_HELD`]), and the failures come with the numbers of their statements.

use std::collections::HashSet;

use mongodb::bson::{Bson, Document};
use shylock_core::{BackendError, ReleaseOutcome};

use crate::{command, mongo_error::MongoError};

/// `ConversionFailure`: the server's error for a text that is no number, by which a release says that there was nothing to
/// release.
pub(crate) const NOT_HELD: i32 = 241;

/// The outcomes of so many releases, in their order.
pub(crate) fn outcomes(reply: &Document, leases: usize) -> Result<Vec<ReleaseOutcome>, BackendError> {
    if let Some(error) = command::unsafe_write(reply) {
        return Err(error);
    }
    let mut not_held = HashSet::new();
    for failed in reply.get_array("writeErrors").into_iter().flatten().filter_map(Bson::as_document) {
        let code = failed.get_i32("code").unwrap_or_default();
        match usize::try_from(failed.get_i32("index").unwrap_or(-1)) {
            Ok(index) if code == NOT_HELD => drop(not_held.insert(index)),
            _ => return Err(command::refusal(reply, failed)),
        }
    }
    if command::count(reply, "n")? + not_held.len() != leases {
        return Err(BackendError::ambiguous(MongoError::new("the reply to `update` does not say what was released")));
    }
    let outcome = |index| if not_held.contains(&index) { ReleaseOutcome::NotHeld } else { ReleaseOutcome::Released };
    Ok((0..leases).map(outcome).collect())
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use shylock_core::Failure;

    use super::*;

    fn failed(index: i32, code: i32) -> Document {
        doc! { "index": index, "code": code, "errmsg": "no" }
    }

    #[test]
    fn failures_have_the_numbers_of_their_statements() {
        let (yes, no) = (ReleaseOutcome::Released, ReleaseOutcome::NotHeld);
        assert_eq!(outcomes(&doc! { "n": 2 }, 2).expect("answered"), [yes, yes]);
        let reply = doc! { "n": 2, "writeErrors": [failed(1, NOT_HELD), failed(2, NOT_HELD)] };
        assert_eq!(outcomes(&reply, 4).expect("answered"), [yes, no, no, yes]);
    }

    #[test]
    fn what_the_server_does_not_say_is_unknown() {
        let failure = |reply: Document| outcomes(&reply, 2).expect_err("no answer").failure().clone();
        for reply in
            [doc! {}, doc! { "n": 1 }, doc! { "n": 1.5 }, doc! { "n": 2, "writeErrors": [failed(1, NOT_HELD)] }]
        {
            assert_eq!(failure(reply.clone()), Failure::Ambiguous, "{reply}");
        }
        assert_eq!(failure(doc! { "n": 1, "writeErrors": [failed(1, 112)] }), Failure::NotApplied);
        let not_safe = doc! { "n": 2, "writeConcernError": { "code": 64, "codeName": "x", "errmsg": "waiting" } };
        assert_eq!(failure(not_safe), Failure::Ambiguous);
    }
}
