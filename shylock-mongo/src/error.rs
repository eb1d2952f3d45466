//! What a failure of the driver or of the server means for the request that failed.

use std::time::Duration;

use mongodb::error::{
    Error as DriverError, ErrorKind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, SYSTEM_OVERLOADED_ERROR,
    TRANSIENT_TRANSACTION_ERROR, WriteFailure,
};
use shylock_core::{BackendError, Error};

use crate::{
    builder::invalid,
    codes::{self, Meaning},
    mongo_error::MongoError,
    relatives,
};

/// Sorts an error of the driver.
pub(crate) fn from_driver(error: DriverError) -> BackendError {
    let backoff = error.base_backoff();
    let labelled = by_labels(|label| error.contains_label(label));
    let message = message(&error);
    let error = MongoError::from(error);
    let meaning = match (labelled, error.code()) {
        (Some(Labelled::Safe(meaning)), _) => meaning,
        (labelled, Some(code)) if !is_unsatisfied(&error) => labelled.at_least(codes::meaning_of(code, &message)),
        (labelled, _) => labelled.at_least(of_kind(&error)),
    };
    sorted(meaning, backoff, &message, error)
}

/// Sorts an error that stands in a reply beside these labels.
pub(crate) fn from_reply(error: MongoError, message: &str, has_label: impl Fn(&str) -> bool) -> BackendError {
    let meaning = match by_labels(has_label) {
        Some(Labelled::Safe(meaning)) => meaning,
        labelled => labelled.at_least(codes::meaning_of(error.code().unwrap_or_default(), message)),
    };
    sorted(meaning, None, message, error)
}

/// What the server's labels say, which know more than a code.
#[derive(Debug, Clone, Copy)]
enum Labelled {
    /// The request may be repeated, whatever it was: nothing was done.
    Safe(Meaning),
    /// A write of this kind may be repeated.
    Passing,
}

fn by_labels(has: impl Fn(&str) -> bool) -> Option<Labelled> {
    if has(SYSTEM_OVERLOADED_ERROR) {
        Some(Labelled::Safe(Meaning::Overloaded))
    } else if has(RETRYABLE_ERROR) {
        Some(Labelled::Safe(Meaning::NotApplied))
    } else if has(RETRYABLE_WRITE_ERROR) || has(TRANSIENT_TRANSACTION_ERROR) {
        Some(Labelled::Passing)
    } else {
        None
    }
}

trait AtLeast {
    /// The meaning of a code, or that of the labels where they contradict it.
    fn at_least(self, meaning: Meaning) -> Meaning;
}

impl AtLeast for Option<Labelled> {
    fn at_least(self, meaning: Meaning) -> Meaning {
        match (self, meaning) {
            (Some(_), Meaning::Permanent) => Meaning::Ambiguous,
            (_, meaning) => meaning,
        }
    }
}

/// A write that has happened on the primary, and may yet be undone by a fail-over.
fn is_unsatisfied(error: &MongoError) -> bool {
    error.driver().is_some_and(|error| matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteConcernError(_))))
}

/// The meaning of an error without a code.
fn of_kind(error: &MongoError) -> Meaning {
    match error.driver().map(|error| &*error.kind) {
        Some(ErrorKind::ServerSelection { message, .. }) if relatives::is_too_old(message) => Meaning::Permanent,
        Some(ErrorKind::ServerSelection { .. } | ErrorKind::DnsResolve { .. }) => Meaning::NotApplied,
        // The driver also reports a cleared pool for requests that were under way when a server fell silent.
        Some(ErrorKind::Write(_) | ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. }) => Meaning::Ambiguous,
        // A reply came that cannot be read.
        Some(ErrorKind::InvalidResponse { .. } | ErrorKind::Bson(_) | ErrorKind::Internal { .. }) => Meaning::Ambiguous,
        _ => Meaning::Permanent,
    }
}

/// The server's message, as it came.
fn message(error: &DriverError) -> String {
    match &*error.kind {
        ErrorKind::Command(refused) => refused.message.clone(),
        ErrorKind::Write(WriteFailure::WriteError(refused)) => refused.message.clone(),
        ErrorKind::ServerSelection { message, .. } | ErrorKind::Authentication { message, .. } => message.clone(),
        _ => String::new(),
    }
}

fn sorted(meaning: Meaning, backoff: Option<Duration>, message: &str, error: MongoError) -> BackendError {
    match meaning {
        Meaning::NotApplied => BackendError::not_applied(error, None),
        Meaning::Overloaded => BackendError::not_applied(error, Some(codes::pause(backoff, message))),
        Meaning::Ambiguous => BackendError::ambiguous(error),
        Meaning::Permanent => match relatives::refusal(error.code(), message) {
            Some(reason) => BackendError::permanent(error.explained(reason)),
            None => BackendError::permanent(error),
        },
    }
}

/// An error that was found while the deployment was checked, as a user sees it.
pub(crate) fn of_setup(error: BackendError) -> Error {
    match Error::from(error) {
        Error::Backend { retryable: false, source } if source.is::<Unfit>() => {
            invalid("collection", source.to_string())
        }
        error => error,
    }
}

/// The collection cannot keep the promises of a lock.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(pub(crate) String);

/// Whether the right to do something is missing.
pub(crate) fn is_unauthorized(error: &BackendError) -> bool {
    let source = mongo(error);
    source.is_some_and(|error| error.code().is_some_and(|code| codes::is_missing_right(code, &error.to_string())))
}

/// Whether Atlas's proxies refused something, for whatever reason.
pub(crate) fn is_of_atlas(error: &BackendError) -> bool {
    is_code(error, &[codes::ATLAS])
}

/// Whether the server has no change streams: a standalone, or a relative of MongoDB.
pub(crate) fn has_no_change_streams(error: &BackendError) -> bool {
    // NotImplemented, CommandNotSupported; an unknown stage, a stage that takes a replica set
    is_code(error, &[115, 238, 40324, 40573])
}

/// Whether the server keeps no snapshots for reads with the concern `majority` (4.4, where that can be turned off).
pub(crate) fn has_no_majority_reads(error: &BackendError) -> bool {
    // ReadConcernMajorityNotEnabled
    is_code(error, &[148])
}

/// Whether the server is one that cannot hold locks.
pub(crate) fn is_refusal_of_relatives(error: &BackendError) -> bool {
    mongo(error).is_some_and(|error| relatives::refusal(error.code(), &error.to_string()).is_some())
}

/// Whether there is a document with this id already.
pub(crate) fn is_duplicate(error: &BackendError) -> bool {
    // DuplicateKey
    is_code(error, &[11000])
}

/// Whether there is no such collection.
pub(crate) fn is_no_collection(error: &BackendError) -> bool {
    // NamespaceNotFound
    is_code(error, &[26])
}

fn is_code(error: &BackendError, codes: &[i32]) -> bool {
    mongo(error).and_then(MongoError::code).is_some_and(|code| codes.contains(&code))
}

fn mongo(error: &BackendError) -> Option<&MongoError> {
    std::error::Error::source(error)?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{deserialize_from_document, doc};
    use shylock_core::Failure;

    use super::*;

    fn refused(code: i32, message: &str) -> BackendError {
        let command = doc! { "code": code, "codeName": "x", "errmsg": message };
        let command = deserialize_from_document(command).expect("an error of a command");
        from_driver(DriverError::from(ErrorKind::Command(command)))
    }

    fn in_reply(code: i32, message: &str, labels: &[&str]) -> BackendError {
        let error = MongoError::of_server(Some(code), "", message);
        from_reply(error, message, |label| labels.contains(&label))
    }

    #[test]
    fn a_rate_limit_names_its_pause() {
        let message = "Error=16500, RetryAfterMs=1200, Details='Response status code 429'";
        for error in [in_reply(16500, message, &[]), refused(16500, message)] {
            let pause = Some(Duration::from_millis(1200));
            assert_eq!((error.failure(), error.retry_after()), (&Failure::NotApplied, pause));
        }
    }

    #[test]
    fn labels_decide_before_codes() {
        for code in [0, 13, 96, 462, 9_999_999] {
            let overloaded = in_reply(code, "no", &[SYSTEM_OVERLOADED_ERROR, RETRYABLE_ERROR]);
            assert_eq!(
                (overloaded.failure(), overloaded.retry_after()),
                (&Failure::NotApplied, Some(codes::PAUSE)),
                "{code}"
            );
            assert_eq!(*in_reply(code, "no", &[RETRYABLE_ERROR]).failure(), Failure::NotApplied, "{code}");
        }
        for label in [RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR] {
            assert_eq!(*in_reply(13, "no", &[label]).failure(), Failure::Ambiguous, "{label}");
            assert_eq!(*in_reply(112, "no", &[label]).failure(), Failure::NotApplied, "{label}");
        }
        assert_eq!(*in_reply(13, "no", &["SomethingElse"]).failure(), Failure::Permanent);
    }

    #[test]
    fn failures_of_the_driver_are_sorted() {
        let io = || DriverError::from(std::io::Error::other("cut off"));
        assert_eq!(*from_driver(io()).failure(), Failure::Ambiguous);
        let odd = DriverError::custom("nothing that is known");
        assert_eq!(*from_driver(odd).failure(), Failure::Permanent);
        let garbled = mongodb::bson::deserialize_from_slice::<mongodb::bson::Document>(&[1]).expect_err("no document");
        assert_eq!(*from_driver(DriverError::from(garbled)).failure(), Failure::Ambiguous);
        assert!(!is_unauthorized(&BackendError::permanent("no")));
        assert!(!has_no_change_streams(&BackendError::permanent("no")));
    }

    #[test]
    fn the_code_of_a_command_decides() {
        assert_eq!(*refused(10107, "no").failure(), Failure::NotApplied);
        assert_eq!(*refused(11601, "no").failure(), Failure::Ambiguous);
        assert_eq!(*refused(13, "no").failure(), Failure::Permanent);
        assert!(is_unauthorized(&refused(13, "no")) && !is_unauthorized(&refused(14, "no")));
        assert!(is_unauthorized(&refused(8000, "user is not allowed to do action [find] on [a.b]")));
        assert!(!is_unauthorized(&refused(8000, "try again")));
        assert!(has_no_change_streams(&refused(40573, "no")) && !has_no_change_streams(&refused(40572, "no")));
        assert!(has_no_majority_reads(&refused(148, "no")) && is_no_collection(&refused(26, "no")));
    }

    #[test]
    fn an_error_is_one_plain_line_and_the_driver_s_own_stays_in_reach() {
        let error = refused(13, "not authorized on a");
        let source = std::error::Error::source(&error).expect("the reason");
        assert_eq!(source.to_string(), "error 13 (x): not authorized on a");
        assert!(std::error::Error::source(source).is_none(), "nothing else is printed");
        assert_eq!(format!("{source:?}"), "MongoError(\"error 13 (x): not authorized on a\")");
        let source: &MongoError = source.downcast_ref().expect("of this crate");
        assert!(matches!(source.driver().map(|error| &*error.kind), Some(ErrorKind::Command(_))));
        assert_eq!(source.code(), Some(13));
    }

    #[tokio::test]
    async fn what_found_no_server_was_not_carried_out() {
        let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10";
        let client = mongodb::Client::with_uri_str(uri).await.expect("a client");
        let error = client.database("x").run_command(doc! { "ping": 1 }).await.expect_err("there is no server");
        let error = from_driver(error);
        assert_eq!(*error.failure(), Failure::NotApplied);
        let text = std::error::Error::source(&error).expect("the reason").to_string();
        assert!(text.starts_with("no server can be reached: 127.0.0.1:1"), "{text}");
        assert!(!text.contains("labels") && !text.contains('{'), "{text}");
    }

    #[test]
    fn a_collection_that_is_unfit_is_an_invalid_option() {
        let unfit = of_setup(BackendError::permanent(Unfit("`x` is a view".into())));
        assert_eq!(unfit.to_string(), "invalid option `collection`: `x` is a view");
        assert!(matches!(of_setup(BackendError::permanent("no")), Error::Backend { retryable: false, .. }));
        assert!(matches!(of_setup(BackendError::ambiguous(Unfit("x".into()))), Error::Backend { retryable: true, .. }));
    }
}
