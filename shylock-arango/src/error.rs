//! [`RequestError`], and what it means for the request that failed.

use std::{sync::Arc, time::Duration};

use shylock_core::{BackendError, Error};

use crate::{
    builder::invalid,
    errno::{self, Meaning},
};

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
    /// It was called outside of a tokio runtime with timers and I/O.
    #[error("{0}")]
    Runtime(&'static str),
    /// What the server has is not fit for locks, or not as the option says.
    #[error("{reason}")]
    Unfit {
        /// The option that has to be another.
        option: &'static str,
        /// What is wrong.
        reason: String,
    },
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
            Self::Refused { number, .. } => errno::meaning(*number),
            Self::Query { .. } | Self::Runtime(_) | Self::Unfit { .. } => Meaning::Permanent,
        }
    }

    /// Whether this is ArangoDB's error of that number.
    pub(crate) fn is(&self, wanted: u64) -> bool {
        matches!(self, Self::Refused { number, .. } if *number == wanted)
    }

    /// Whether there was an answer, whosever it was.
    pub(crate) fn is_answered(&self) -> bool {
        match self {
            Self::Undelivered { .. } | Self::Unanswered { .. } | Self::Runtime(_) => false,
            Self::Login { source } => source.is_answered(),
            _ => true,
        }
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

/// An error that was found while the server was checked, as a user sees it.
pub(crate) fn of_setup(error: BackendError) -> Error {
    match Error::from(error) {
        Error::Backend { retryable: false, source } => match source.downcast_ref() {
            Some(RequestError::Unfit { option, reason }) => invalid(option, reason),
            _ => Error::Backend { retryable: false, source },
        },
        error => error,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
