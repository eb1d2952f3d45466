//! Sends one command to the primary and reads its reply.
//!
//! `Database::run_command` and not the typed helpers: these make a retryable write of each, which costs the server
//! two more writes, and repeating a request is the engine's task.

use mongodb::{
    Database,
    bson::{Bson, Document},
    error::WriteConcernError,
    options::{ReadPreference, SelectionCriteria},
};
use shylock_core::BackendError;

use crate::error;

/// Runs it. A reply that tells of a failure is an error, though the server says `ok`.
pub(crate) async fn run(database: &Database, command: Document) -> Result<Document, BackendError> {
    let reply = send(database, command).await?;
    match failure(&reply) {
        Some(failure) => Err(failure),
        None => Ok(reply),
    }
}

/// Runs it. The reply may tell of a failure though the server says `ok`: see [`failure`].
pub(crate) async fn send(database: &Database, command: Document) -> Result<Document, BackendError> {
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    database.run_command(command).selection_criteria(primary).await.map_err(error::from_driver)
}

/// The document that `findAndModify` found.
pub(crate) fn value(reply: &Document) -> Option<&Document> {
    reply.get_document("value").ok()
}

/// The documents that `find` found. All replies fit into the first batch.
pub(crate) fn batch(reply: &Document) -> Result<Vec<&Document>, BackendError> {
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    let batch = batch.map_err(|_| BackendError::permanent("the reply to `find` has no batch"))?;
    Ok(batch.iter().filter_map(Bson::as_document).collect())
}

/// A count of the reply to `update`.
pub(crate) fn count(reply: &Document, field: &str) -> usize {
    let count = match reply.get(field) {
        Some(Bson::Int32(count)) => i64::from(*count),
        Some(Bson::Int64(count)) => *count,
        _ => 0,
    };
    usize::try_from(count).unwrap_or_default()
}

/// The failure that a reply tells of though the server says `ok`.
pub(crate) fn failure(reply: &Document) -> Option<BackendError> {
    let message = |error: &Document| error.get_str("errmsg").unwrap_or("no message").to_owned();
    if let Some(error) = reply.get_array("writeErrors").ok().and_then(|all| all.first()?.as_document()) {
        return Some(error::from_code(error.get_i32("code").unwrap_or_default(), message(error)));
    }
    unsafe_write(reply)
}

/// A write that has happened on the primary, and may yet be undone by a fail-over.
pub(crate) fn unsafe_write(reply: &Document) -> Option<BackendError> {
    let message = |error: &Document| error.get_str("errmsg").unwrap_or("no message").to_owned();
    let error = reply.get_document("writeConcernError").ok()?;
    let text = format!("write concern not satisfied: {}", message(error));
    Some(match mongodb::bson::deserialize_from_document::<WriteConcernError>(error.clone()) {
        Ok(error) => BackendError::ambiguous(mongodb::error::Error::from(mongodb::error::ErrorKind::Write(
            mongodb::error::WriteFailure::WriteConcernError(error),
        ))),
        Err(_) => BackendError::ambiguous(text),
    })
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Document, doc};
    use shylock_core::Failure;

    use super::*;

    #[test]
    fn replies_are_read() {
        let found = doc! { "token": 7_i64 };
        assert_eq!(value(&doc! { "value": found.clone() }), Some(&found));
        assert_eq!(value(&doc! { "value": null }), None);
        let reply = doc! { "cursor": { "firstBatch": [found.clone(), 1, found.clone()] } };
        assert_eq!(batch(&reply).expect("a batch"), [&found, &found]);
        assert_eq!(*batch(&doc! { "cursor": {} }).expect_err("none").failure(), Failure::Permanent);
    }

    #[test]
    fn counts_come_as_any_whole_number() {
        let reply = doc! { "n": 3, "nModified": 2_i64, "odd": 1.5, "less": -1 };
        let counts = ["n", "nModified", "odd", "less", "none"].map(|field| count(&reply, field));
        assert_eq!(counts, [3, 2, 0, 0, 0]);
    }

    #[test]
    fn a_reply_that_says_ok_may_tell_of_a_failure() {
        let failure = |reply: Document| failure(&reply).map(|error| error.failure().clone());
        assert_eq!(failure(doc! { "ok": 1, "n": 1 }), None);
        let duplicate = doc! { "ok": 1, "writeErrors": [{ "index": 0, "code": 11000, "errmsg": "E11000" }] };
        assert_eq!(failure(duplicate), Some(Failure::NotApplied));
        let refused =
            doc! { "ok": 1, "writeErrors": [{ "index": 0, "code": 121, "errmsg": "Document failed validation" }] };
        assert_eq!(failure(refused), Some(Failure::Permanent));
        for unsafe_write in [doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting" }, doc! {}] {
            assert_eq!(failure(doc! { "ok": 1, "writeConcernError": unsafe_write }), Some(Failure::Ambiguous));
        }
    }
}
