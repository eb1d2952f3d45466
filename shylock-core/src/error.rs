//! [`Error`]: what a user can act on. [`BackendError`]: what a store reports to the engine.

use std::{error::Error as StdError, fmt, ops::Deref, sync::Arc, time::Duration};

use crate::{HolderInfo, InvalidName, LockName};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, such as the error of a database driver. Cheap to clone.
///
/// It dereferences to [`dyn Error`](StdError), whose `downcast_ref` gives the driver's own type.
///
/// # Examples
/// ```
/// use shylock_core::{BackendError, Error};
///
/// let error = Error::from(BackendError::permanent(std::fmt::Error));
/// let Error::Backend { source, .. } = error else { panic!("the store refused") };
/// assert!(source.is::<std::fmt::Error>());
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

type BoxedError = Box<dyn StdError + Send + Sync>;

impl<E: Into<BoxedError>> From<E> for ErrorSource {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

/// What went wrong, as something a caller can act on. No variant carries a credential.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lock has no manager of its own, and the process has no default one.
    #[error("no lock store is configured: call `configure(backend)` first, or make the lock with `LockManager::lock`")]
    NotConfigured,
    /// The name cannot be a lock name. Found before anything is sent.
    #[error("invalid lock name: {0}")]
    InvalidName(InvalidName),
    /// An option is outside of its bounds. Found before anything is sent, but for what only the store can tell, such as
    /// a collection that is not fit for locks.
    #[error("invalid option `{option}`: {reason}")]
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// The lock was held by another for all of the time that the caller gave.
    #[error("timed out after {waited:?}, {}", Holder(holder.as_ref()))]
    Timeout {
        /// The time that the caller gave.
        waited: Duration,
        /// The holder that was last seen, where one was seen.
        holder: Option<HolderInfo>,
    },
    /// The lease may be another's by now.
    #[error("the lease is lost: {reason}")]
    Lost {
        /// How it was lost.
        reason: LossReason,
    },
    /// The stored record of the lock is not one of ours. It is left as it is; somebody has to look at it.
    #[error("the record of lock {name:?} is corrupt: {detail}")]
    CorruptRecord {
        /// The lock.
        name: LockName,
        /// What is wrong with the record.
        detail: String,
    },
    /// The store failed. The cause, such as a refused connection or password, is its [`source`](StdError::source), the
    /// driver's own error; print the chain of sources to see it.
    #[error("{}", if *retryable { "the lock store did not answer as it should, try again later" } else { "the lock store refused the request" })]
    Backend {
        /// Whether the same call may succeed later without anybody mending anything.
        retryable: bool,
        /// The driver's error.
        source: ErrorSource,
    },
    /// The runtime on which the manager was made has ended, so that it can neither send nor renew anything; or this is
    /// a forked child of the process that made it.
    #[error("the runtime of the lock manager has ended")]
    Stopped,
    /// A blocking call was not answered, as the runtime of its manager runs no tasks: it is the caller's own and waits
    /// for this very call, or nobody drives it.
    #[error("the runtime of the lock manager is blocked, or nobody drives it")]
    Stalled,
}

/// How a lease was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// No renewal was confirmed in time: the store was out of reach, or this process was paused, or renewal is off.
    Expired,
    /// The store says that this holder has the lock no more: it was broken, removed or taken over.
    Taken,
    /// The lock's `max_hold` has passed.
    MaxHold,
    /// The guard was released, dropped or detached: it stands for no lease any more.
    Released,
    /// The runtime of the lock manager has ended, so that nothing renews the lease; or this is a forked child's copy
    /// of a guard that its parent holds.
    Stopped,
}

/// The loss of a lease, as `lost()` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Loss {
    /// How it was lost.
    pub reason: LossReason,
}

impl Loss {
    pub(crate) const fn new(reason: LossReason) -> Self {
        Self { reason }
    }
}

impl From<LossReason> for Loss {
    fn from(reason: LossReason) -> Self {
        Self::new(reason)
    }
}

impl From<Loss> for Error {
    fn from(Loss { reason }: Loss) -> Self {
        Self::Lost { reason }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "no renewal was confirmed in time",
            Self::Taken => "the store has it under another holder, or under none",
            Self::MaxHold => "it was held for as long as its `max_hold` allows",
            Self::Released => "it was released",
            Self::Stopped => "the runtime of the lock manager has ended",
        })
    }
}

impl From<InvalidName> for Error {
    fn from(reason: InvalidName) -> Self {
        Self::InvalidName(reason)
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

struct Holder<'a>(Option<&'a HolderInfo>);

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(holder) => write!(f, "the lock is still held by {holder}"),
            None => f.write_str("the lock is still held or the store did not say"),
        }
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

    #[test]
    fn messages_name_what_they_are_about() {
        let waited = Duration::from_secs(2);
        let holder = Some(HolderInfo { host: Some("api-3".into()), pid: Some(4711), note: None });
        let timeout = |holder| Error::Timeout { waited, holder }.to_string();
        assert_eq!(timeout(holder), "timed out after 2s, the lock is still held by api-3 (pid 4711)");
        assert_eq!(timeout(None), "timed out after 2s, the lock is still held or the store did not say");
        let reasons = [
            (LossReason::Expired, "renewal"),
            (LossReason::Taken, "another holder"),
            (LossReason::MaxHold, "max_hold"),
            (LossReason::Released, "released"),
            (LossReason::Stopped, "runtime"),
        ];
        for (reason, word) in reasons {
            assert!(Error::from(Loss::from(reason)).to_string().contains(word), "{reason}");
        }
    }
}
