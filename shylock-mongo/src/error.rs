//! What a failure of the driver or of the server means for the request that failed.

use std::time::Duration;

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use shylock_core::{BackendError, Error};

use crate::builder::invalid;

/// Sorts an error of the driver.
pub(crate) fn from_driver(error: DriverError) -> BackendError {
    match &*error.kind {
        ErrorKind::Command(command) => {
            let known = meaning(command.code);
            let retryable = error.contains_label("RetryableWriteError");
            sorted(if retryable { known.or_ambiguous() } else { known }, &command.message.clone(), error)
        }
        // The driver says that a pool was cleared also of requests that were under way when a server fell silent.
        ErrorKind::Write(WriteFailure::WriteConcernError(_))
        | ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. } => BackendError::ambiguous(error),
        ErrorKind::ServerSelection { .. } | ErrorKind::DnsResolve { .. } => BackendError::not_applied(error, None),
        // The reply came, and it is not known what it says.
        ErrorKind::InvalidResponse { .. } | ErrorKind::Bson(_) | ErrorKind::Internal { .. } => {
            BackendError::ambiguous(error)
        }
        _ => BackendError::permanent(error),
    }
}

/// Sorts an error that the server put into a reply.
pub(crate) fn from_code(code: i32, message: String) -> BackendError {
    let text = format!("error {code}: {message}");
    sorted(meaning(code), &message, text)
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
#[derive(Debug)]
pub(crate) struct Unfit(pub(crate) String);

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

/// What an error code says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    NotApplied,
    RateLimited,
    Ambiguous,
    Permanent,
}

impl Meaning {
    /// The server asks for the write to be repeated, so it does not refuse it for good.
    const fn or_ambiguous(self) -> Self {
        match self {
            Self::Permanent => Self::Ambiguous,
            known => known,
        }
    }
}

/// The codes of the server's `error_codes.yml` that may pass. All others are refusals.
const fn meaning(code: i32) -> Meaning {
    match code {
        // LockTimeout, WriteConflict, NotWritablePrimary, DuplicateKey (of two first attempts at once),
        // NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary; FailedToSatisfyReadPreference (of a router whose shard has
        // no primary), ReadConcernMajorityNotAvailableYet, TemporarilyUnavailable
        24 | 112 | 133 | 134 | 365 | 10107 | 11000 | 13435 | 13436 => Meaning::NotApplied,
        // RequestRateTooLarge (Cosmos DB)
        16500 => Meaning::RateLimited,
        // HostUnreachable, HostNotFound, MaxTimeMSExpired, WriteConcernFailed, NetworkTimeout, ShutdownInProgress,
        // PrimarySteppedDown, NetworkInterfaceExceededTimeLimit, ExceededTimeLimit, SocketException, Interrupted and
        // its kin by shutdown or election
        6 | 7 | 50 | 64 | 89 | 91 | 189 | 202 | 262 | 9001 | 11600..=11602 => Meaning::Ambiguous,
        _ => Meaning::Permanent,
    }
}

fn sorted(
    meaning: Meaning,
    message: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> BackendError {
    match meaning {
        Meaning::NotApplied => BackendError::not_applied(source, None),
        Meaning::RateLimited => BackendError::not_applied(source, Some(retry_after(message))),
        Meaning::Ambiguous => BackendError::ambiguous(source),
        Meaning::Permanent => BackendError::permanent(source),
    }
}

/// What Cosmos DB asks for, at the most: more would be a mistake of ours in reading it.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// What to wait when it asks for nothing.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The time in `RetryAfterMs=24`, which Cosmos DB puts into its message.
fn retry_after(message: &str) -> Duration {
    let number = message.split_once("RetryAfterMs=").map(|(_, rest)| rest);
    let digits = number.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let asked = digits.and_then(|digits| digits.parse().ok()).map(Duration::from_millis);
    asked.unwrap_or(RETRY_AFTER).min(LONGEST_RETRY_AFTER)
}

/// Whether the right to do something is missing.
pub(crate) fn is_unauthorized(error: &BackendError) -> bool {
    is_code(error, 13)
}

/// Whether the server is one without change streams: a standalone.
pub(crate) fn has_no_change_streams(error: &BackendError) -> bool {
    is_code(error, 40573)
}

fn is_code(error: &BackendError, code: i32) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<DriverError>());
    source.is_some_and(|source| matches!(&*source.kind, ErrorKind::Command(command) if command.code == code))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{deserialize_from_document, doc};
    use shylock_core::Failure;

    use super::*;

    #[test]
    fn codes_are_sorted() {
        assert_eq!(meaning(10107), Meaning::NotApplied);
        assert_eq!(meaning(11601), Meaning::Ambiguous);
        assert_eq!(meaning(13), Meaning::Permanent);
        assert_eq!(meaning(13).or_ambiguous(), Meaning::Ambiguous);
        assert_eq!(meaning(16500).or_ambiguous(), Meaning::RateLimited);
        assert_eq!(*from_code(121, "no".into()).failure(), Failure::Permanent);
    }

    #[test]
    fn the_wish_of_a_rate_limit_is_read() {
        let message = |ms: &str| format!("Error=16500, RetryAfterMs={ms}, Details='Response status code 429'");
        assert_eq!(retry_after(&message("24")), Duration::from_millis(24));
        assert_eq!(retry_after(&message("")), RETRY_AFTER);
        assert_eq!(retry_after("nothing of the kind"), RETRY_AFTER);
        assert_eq!(retry_after(&message("99999999999999999999999")), RETRY_AFTER);
        assert_eq!(retry_after(&message("86400000")), LONGEST_RETRY_AFTER);
        let error = from_code(16500, message("1200"));
        assert_eq!((error.failure(), error.retry_after()), (&Failure::NotApplied, Some(Duration::from_millis(1200))));
    }

    #[test]
    fn failures_of_the_driver_are_sorted() {
        let io = || DriverError::from(std::io::Error::other("cut off"));
        assert_eq!(*from_driver(io()).failure(), Failure::Ambiguous);
        let odd = DriverError::custom("nothing that is known");
        assert_eq!(*from_driver(odd).failure(), Failure::Permanent);
        let garbled = mongodb::bson::deserialize_from_slice::<mongodb::bson::Document>(&[1]).expect_err("no document");
        assert_eq!(*from_driver(DriverError::from(garbled)).failure(), Failure::Ambiguous);
        assert!(!is_unauthorized(&from_code(13, "no".into())), "it is the driver's errors that are looked at");
        assert!(!has_no_change_streams(&BackendError::permanent("no")));
    }

    #[test]
    fn the_code_of_a_command_decides() {
        let refused = |code: i32| {
            let command = doc! { "code": code, "codeName": "x", "errmsg": "no" };
            let command = deserialize_from_document(command).expect("an error of a command");
            from_driver(DriverError::from(ErrorKind::Command(command)))
        };
        assert_eq!(*refused(10107).failure(), Failure::NotApplied);
        assert_eq!(*refused(11601).failure(), Failure::Ambiguous);
        assert_eq!(*refused(13).failure(), Failure::Permanent);
        assert!(is_unauthorized(&refused(13)) && !is_unauthorized(&refused(14)));
        assert!(has_no_change_streams(&refused(40573)) && !has_no_change_streams(&refused(40572)));
    }

    #[tokio::test]
    async fn what_found_no_server_was_not_carried_out() {
        let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10";
        let client = mongodb::Client::with_uri_str(uri).await.expect("a client");
        let error = client.database("x").run_command(doc! { "ping": 1 }).await.expect_err("there is no server");
        assert_eq!(*from_driver(error).failure(), Failure::NotApplied);
    }

    #[test]
    fn every_code_that_may_pass_is_known() {
        for code in [24, 112, 133, 134, 365, 10107, 11000, 13435, 13436] {
            assert_eq!(meaning(code), Meaning::NotApplied, "{code}");
        }
        for code in [6, 7, 50, 64, 89, 91, 189, 202, 262, 9001, 11600, 11601, 11602] {
            assert_eq!(meaning(code), Meaning::Ambiguous, "{code}");
        }
        assert_eq!(
            (meaning(16500), meaning(11603), meaning(0)),
            (Meaning::RateLimited, Meaning::Permanent, Meaning::Permanent)
        );
    }

    #[test]
    fn a_collection_that_is_unfit_is_an_invalid_option() {
        let unfit = of_setup(BackendError::permanent(Unfit("`x` is a view".into())));
        assert_eq!(unfit.to_string(), "invalid option `collection`: `x` is a view");
        assert!(matches!(of_setup(BackendError::permanent("no")), Error::Backend { retryable: false, .. }));
        assert!(matches!(of_setup(BackendError::ambiguous(Unfit("x".into()))), Error::Backend { retryable: true, .. }));
    }
}
