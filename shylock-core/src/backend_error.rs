//! [`BackendError`]: what a store reports to the engine.

use std::{error::Error as StdError, fmt, ops::Deref, sync::Arc, time::Duration};

use crate::{Error, LockName};

/// A failed call to a store, sorted by what the engine has to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failure}")]
pub struct BackendError {
    failure: Failure,
    retry_after: Option<Duration>,
    source: ErrorSource,
}

/// What is known of a failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The store did nothing, and the same call may succeed later.
    #[error("the store did not carry out the request")]
    NotApplied,
    /// The store may have carried the request out, or may still do so.
    #[error("it is not known whether the store carried out the request")]
    Ambiguous,
    /// The store did nothing, and will not until somebody mends something.
    #[error("the store refused the request")]
    Permanent,
    /// The record is not one of ours: wrong types or impossible values. It was left untouched.
    #[error("the record of lock {name:?} is corrupt: {detail}")]
    Corrupt {
        /// The lock.
        name: LockName,
        /// What is wrong with the record, without its values.
        detail: String,
    },
}

impl BackendError {
    /// The store did nothing; try again, not before `retry_after` if the store named a time.
    pub fn not_applied(source: impl Into<BoxedError>, retry_after: Option<Duration>) -> Self {
        Self { failure: Failure::NotApplied, retry_after, source: source.into().into() }
    }

    /// Nobody knows whether the store did it.
    pub fn ambiguous(source: impl Into<BoxedError>) -> Self {
        Self { failure: Failure::Ambiguous, retry_after: None, source: source.into().into() }
    }

    /// The store will never do it as things are.
    pub fn permanent(source: impl Into<BoxedError>) -> Self {
        Self { failure: Failure::Permanent, retry_after: None, source: source.into().into() }
    }

    /// The lock's record is not one of ours.
    pub fn corrupt(name: LockName, detail: impl Into<String>) -> Self {
        let failure = Failure::Corrupt { name, detail: detail.into() };
        Self { retry_after: None, source: ErrorSource::from(failure.to_string()), failure }
    }

    /// Makes [`Failure::NotApplied`] of an unknown outcome: the failure of a look, which changes nothing.
    #[must_use]
    pub fn of_look(mut self) -> Self {
        if self.failure == Failure::Ambiguous {
            self.failure = Failure::NotApplied;
        }
        self
    }

    /// What is known of the call.
    #[must_use]
    pub const fn failure(&self) -> &Failure {
        &self.failure
    }

    /// Whether the same call may succeed later.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self.failure, Failure::NotApplied | Failure::Ambiguous)
    }

    /// How long the store asked to be left alone, if it did.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        match error.failure {
            Failure::Corrupt { name, detail } => Self::CorruptRecord { name, detail },
            Failure::NotApplied | Failure::Ambiguous => Self::Backend { retryable: true, source: error.source },
            Failure::Permanent => Self::Backend { retryable: false, source: error.source },
        }
    }
}

/// The cause of an error, as a store reports it. Cheap to clone.
///
/// It dereferences to [`dyn Error`](StdError), whose `downcast_ref` gives the type of the store's crate, such as
/// `MongoError` of `shylock-mongo`.
///
/// # Examples
/// ```
/// use shylock_core::{BackendError, Error};
///
/// let error = Error::from(BackendError::permanent(std::fmt::Error));
/// let Error::Backend { source, .. } = error else { panic!("the store refused") };
/// assert!(source.is::<std::fmt::Error>());
/// println!("the store has failed: {source}");
/// ```
#[derive(Clone)]
pub struct ErrorSource(Arc<dyn StdError + Send + Sync>);

impl Deref for ErrorSource {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for ErrorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ErrorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

type BoxedError = Box<dyn StdError + Send + Sync>;

impl<E: Into<BoxedError>> From<E> for ErrorSource {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_says_whether_to_ask_again_and_when() {
        let name = LockName::new("x").expect("a name");
        let pause = Some(Duration::from_secs(3));
        for (error, passing, retry_after) in [
            (BackendError::not_applied("busy", pause), true, pause),
            (BackendError::ambiguous("cut off"), true, None),
            (BackendError::permanent("no rights"), false, None),
            (BackendError::corrupt(name, "no token"), false, None),
        ] {
            assert_eq!((error.is_passing(), error.retry_after()), (passing, retry_after), "{error}");
        }
    }

    #[test]
    fn a_look_has_no_unknown_outcome() {
        let look = BackendError::ambiguous("cut off").of_look();
        assert_eq!((look.failure(), look.source.to_string()), (&Failure::NotApplied, "cut off".to_owned()));
        assert_eq!(*BackendError::permanent("no rights").of_look().failure(), Failure::Permanent);
    }
}
