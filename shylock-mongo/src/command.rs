//! Sends one command to the primary and reads its reply.
//!
//! `Database::run_command` and not the typed helpers: these make a retryable write of each, which costs the server
//! two more writes, and repeating a request is the engine's task.

use std::time::{Duration, Instant};

use mongodb::{
    Database,
    bson::{Bson, Document},
    error::{Error as DriverError, ErrorKind},
    options::{ReadPreference, SelectionCriteria},
};
use shylock_core::BackendError;

use crate::{error, mongo_error::MongoError, runtime};

/// Runs it. A reply that reports a failure is an error, though the server says `ok`.
pub(crate) async fn run(database: &Database, command: Document) -> Result<Document, BackendError> {
    let reply = send(database, command).await?;
    match failure(&reply) {
        Some(failure) => Err(failure),
        None => Ok(reply),
    }
}

/// Runs it. The reply may report a failure though the server says `ok`: see [`failure`].
pub(crate) async fn send(database: &Database, command: Document) -> Result<Document, BackendError> {
    runtime::entered()?;
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    let sent = Instant::now();
    let reply = database.run_command(command).selection_criteria(primary).await;
    reply.map_err(|error| of_dead_client(&error, sent).unwrap_or_else(|| error::from_driver(error)))
}

/// No search for a server takes less, as long as the client's own runtime drives it.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A client whose runtime has ended fails without looking for a server, and does so for ever.
fn of_dead_client(error: &DriverError, sent: Instant) -> Option<BackendError> {
    let ErrorKind::ServerSelection { message, .. } = &*error.kind else { return None };
    let dead = message.starts_with("Server selection timeout") && sent.elapsed() < AT_ONCE;
    dead.then(|| BackendError::permanent(MongoError::new(runtime::CLIENT_ENDED)))
}

/// The document that `findAndModify` found.
pub(crate) fn value(reply: &Document) -> Option<&Document> {
    reply.get_document("value").ok()
}

/// The documents that `find` found. All replies fit into the first batch.
pub(crate) fn batch(reply: &Document) -> Result<Vec<&Document>, BackendError> {
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    let batch = batch.map_err(|_| BackendError::permanent(MongoError::new("the reply to `find` has no batch")))?;
    Ok(batch.iter().filter_map(Bson::as_document).collect())
}

/// A count of the reply to `update`. Without one, it is not known what the update did.
pub(crate) fn count(reply: &Document, field: &str) -> Result<usize, BackendError> {
    let count = match reply.get(field) {
        Some(Bson::Int32(count)) => usize::try_from(*count).ok(),
        Some(Bson::Int64(count)) => usize::try_from(*count).ok(),
        _ => None,
    };
    count.ok_or_else(|| {
        BackendError::ambiguous(MongoError::new(format!("the reply to `update` has no whole number `{field}`")))
    })
}

/// The failure that a reply reports though the server says `ok`.
pub(crate) fn failure(reply: &Document) -> Option<BackendError> {
    let refused = reply.get_array("writeErrors").ok().and_then(|all| all.first()?.as_document());
    refused.map(|refused| refusal(reply, refused)).or_else(|| unsafe_write(reply))
}

/// One of the `writeErrors` of a reply.
pub(crate) fn refusal(reply: &Document, refused: &Document) -> BackendError {
    let labels = reply.get_array("errorLabels").map_or(&[][..], Vec::as_slice);
    let message = refused.get_str("errmsg").unwrap_or_default();
    error::from_reply(of_server(refused), message, |label| labels.iter().any(|l| l.as_str() == Some(label)))
}

/// A write that has happened on the primary, and may yet be undone by a fail-over.
pub(crate) fn unsafe_write(reply: &Document) -> Option<BackendError> {
    let error = of_server(reply.get_document("writeConcernError").ok()?);
    Some(BackendError::ambiguous(error.explained("write concern not satisfied")))
}

fn of_server(error: &Document) -> MongoError {
    let text = |field| error.get_str(field).unwrap_or_default();
    MongoError::of_server(error.get_i32("code").ok(), text("codeName"), text("errmsg"))
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
    fn a_count_is_a_whole_number_or_the_outcome_is_unknown() {
        let reply = doc! { "n": 3, "nModified": 2_i64, "zero": 0, "odd": 1.0, "less": -1, "text": "1", "null": null };
        assert_eq!(count(&reply, "n").expect("a count"), 3);
        assert_eq!(count(&reply, "nModified").expect("a count"), 2);
        assert_eq!(count(&reply, "zero").expect("a count"), 0);
        for field in ["odd", "less", "text", "null", "none"] {
            let error = count(&reply, field).expect_err("no whole number");
            assert_eq!(*error.failure(), Failure::Ambiguous, "{field}");
        }
    }

    #[test]
    fn a_reply_that_says_ok_may_report_a_failure() {
        let failure = |reply: Document| failure(&reply).map(|error| error.failure().clone());
        assert_eq!(failure(doc! { "ok": 1, "n": 1 }), None);
        let duplicate = doc! { "ok": 1, "writeErrors": [{ "index": 0, "code": 11000, "errmsg": "E11000" }] };
        assert_eq!(failure(duplicate), Some(Failure::NotApplied));
        let refused =
            doc! { "ok": 1, "writeErrors": [{ "index": 0, "code": 121, "errmsg": "Document failed validation" }] };
        assert_eq!(failure(refused.clone()), Some(Failure::Permanent));
        let mut labelled = refused;
        labelled.insert("errorLabels", vec!["RetryableError"]);
        assert_eq!(failure(labelled), Some(Failure::NotApplied));
        let without_code = doc! { "ok": 1, "writeErrors": [{ "errmsg": "down" }] };
        assert_eq!(failure(without_code), Some(Failure::Ambiguous));
        for unsafe_write in [doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting" }, doc! {}] {
            assert_eq!(failure(doc! { "ok": 1, "writeConcernError": unsafe_write }), Some(Failure::Ambiguous));
        }
    }

    #[test]
    fn a_failure_in_a_reply_is_one_plain_line() {
        let text = |reply: Document| {
            let failure = failure(&reply).expect("a failure");
            std::error::Error::source(&failure).expect("the reason").to_string()
        };
        let missed = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting", "errInfo": { "x": 1 } };
        let waiting = text(doc! { "writeConcernError": missed });
        assert_eq!(waiting, "write concern not satisfied (error 64 (WriteConcernFailed): waiting)");
        assert_eq!(text(doc! { "writeErrors": [{ "errmsg": "down" }] }), "error without a code: down");
    }
}
