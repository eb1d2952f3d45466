//! [`RequestError`], and what it means for the request that failed.

use std::{sync::Arc, time::Duration};

use shylock_core::{BackendError, Error};

use crate::builder::invalid;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a request to ArangoDB failed: the source of an [`Error::Backend`]. None of it holds a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There was no connection to any endpoint; nothing was sent.
    #[error("no connection to {endpoint}")]
    Undelivered {
        /// The last endpoint that was tried.
        endpoint: String,
        /// The HTTP client's error.
        source: Source,
    },
    /// The request was sent, and no whole answer came in time.
    #[error("no answer from {endpoint}")]
    Unanswered {
        /// The endpoint it was sent to.
        endpoint: String,
        /// The HTTP client's error.
        source: Source,
    },
    /// The login failed, so that the request itself was not carried out.
    #[error("the login failed")]
    Login {
        /// Why.
        source: Arc<RequestError>,
    },
    /// The answer is longer than any that ArangoDB has reason to give.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// How long one may be, in bytes.
        limit: usize,
    },
    /// The answer is not one of ArangoDB: it comes from a proxy, is cut off, or is none at all.
    #[error("HTTP status {status} with {what}, which is no answer of ArangoDB")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What the body looked like.
        what: &'static str,
    },
    /// ArangoDB refused the request.
    #[error("ArangoDB error {number} (HTTP status {status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// ArangoDB's `errorNum`.
        number: u64,
        /// ArangoDB's `errorMessage`: its first 300 characters, with control characters blanked.
        message: String,
    },
    /// The server does not take one of our queries: it is too old, or too new.
    #[error("the server does not take the query `{name}`")]
    Query {
        /// Which of them.
        name: &'static str,
        /// What it says.
        source: Box<RequestError>,
    },
    /// The collection is not fit for locks.
    #[error("{0}")]
    Unfit(String),
}

/// What a failure says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Somebody else changed the record at the same moment; nothing was done.
    Contention,
    /// The same, and whoever is in the way may stay there for longer.
    Blocked,
    /// The server is too busy; nothing was done.
    Overloaded,
    /// Nothing was done, and the same request may succeed later.
    NotApplied,
    /// It may have been done.
    Ambiguous,
    /// There is no such collection or database.
    Missing,
    /// Nothing was done, and will not be until somebody mends something.
    Permanent,
}

/// What a busy server is given before the next request.
const RESPITE: Duration = Duration::from_millis(250);

impl RequestError {
    /// What it says about the request.
    pub(crate) fn meaning(&self) -> Meaning {
        match self {
            Self::Undelivered { .. } => Meaning::NotApplied,
            Self::Login { source } => match source.meaning() {
                Meaning::Permanent | Meaning::Missing => Meaning::Permanent,
                Meaning::Overloaded => Meaning::Overloaded,
                _ => Meaning::NotApplied,
            },
            Self::Unanswered { .. } | Self::TooLarge { .. } | Self::Unreadable { .. } => Meaning::Ambiguous,
            Self::Refused { status, number, .. } => of_number(*status, *number),
            Self::Query { .. } | Self::Unfit(_) => Meaning::Permanent,
        }
    }

    /// Whether this is ArangoDB's error of that number.
    pub(crate) fn is(&self, wanted: u64) -> bool {
        matches!(self, Self::Refused { number, .. } if *number == wanted)
    }

    /// Whether a right is missing.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, number: 11, .. })
    }

    /// As the engine sees the failure of a request that changes something.
    pub(crate) fn of_write(self) -> BackendError {
        match self.meaning() {
            Meaning::Contention | Meaning::NotApplied => BackendError::not_applied(self, None),
            Meaning::Blocked | Meaning::Overloaded => BackendError::not_applied(self, Some(RESPITE)),
            Meaning::Ambiguous => BackendError::ambiguous(self),
            Meaning::Missing | Meaning::Permanent => BackendError::permanent(self),
        }
    }

    /// As the engine sees the failure of a request that changes nothing.
    pub(crate) fn of_read(self) -> BackendError {
        match self.meaning() {
            Meaning::Ambiguous => BackendError::not_applied(self, None),
            _ => self.of_write(),
        }
    }
}

/// The server's `errorNum`, sorted. The message is never looked at: it changes with the server's version.
const fn of_number(status: u16, number: u64) -> Meaning {
    match number {
        // conflict, unique constraint, document not found (it was there a moment ago), try again, busy, lock failed
        1200 | 1210 | 1202 | 1302 | 1303 | 1521 => Meaning::Contention,
        // lock timeout, locked, deadlock
        18 | 28 | 29 => Meaning::Blocked,
        // queue full, queue time violated: it has not left the server's queue
        21003 | 21004 => Meaning::Overloaded,
        // collection not found, database not found
        1203 | 1228 => Meaning::Missing,
        // read only, write concern not fulfilled, shutting down, start-up or maintenance; cluster connections lost,
        // leaders moved, timeouts inside of the cluster, internal; replication refused; killed, cancelled, aborted
        1004 | 1429 | 30 | 503 | 1465 | 1478 | 1491 | 1495 | 1496 | 1457 | 1464 | 4 | 1489 | 1490 | 1500 | 21
        | 1654 => Meaning::Ambiguous,
        // duplicate name, bad key, user keys not allowed, sharding; query errors; bad parameter, no right, wrong
        // password, out of memory
        1207 | 1221 | 1222 | 1466 | 1501 | 1502 | 1540 | 1551..=1553 | 1579 | 10 | 11 | 401 | 32 => Meaning::Permanent,
        _ => match status {
            408 | 410 | 429 | 500..=599 => Meaning::Ambiguous,
            400..=499 => Meaning::Permanent,
            _ => Meaning::Ambiguous,
        },
    }
}

/// An error that was found while the server was checked, as a user sees it.
pub(crate) fn of_setup(error: BackendError) -> Error {
    match Error::from(error) {
        Error::Backend { retryable: false, source } => match source.downcast_ref() {
            Some(unfit @ RequestError::Unfit(_)) => invalid("collection", unfit.to_string()),
            _ => Error::Backend { retryable: false, source },
        },
        error => error,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
