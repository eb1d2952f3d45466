//! [`Error`]: what a user can act on.

use std::{fmt, time::Duration};

use crate::{ErrorSource, HolderInfo, InvalidName, LockName};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
    /// The stored record of the lock is not one of ours. It is left as it is until
    /// [`LockManager::repair`](crate::LockManager::repair) makes a free lock of it.
    #[error("the record of lock {name:?} is corrupt: {detail}")]
    CorruptRecord {
        /// The lock.
        name: LockName,
        /// What is wrong with the record.
        detail: String,
    },
    /// The store failed. The cause, such as a refused connection or password, is its
    /// [`source`](std::error::Error::source); print the chain of sources to see it. It is an error of the store's crate:
    /// `MongoError`, whose `driver` returns the driver's own error, or `SqliteError`, or `RequestError` for ArangoDB.
    #[error("{}", if *retryable { "the lock store did not answer as it should, try again later" } else { "the lock store refused the request" })]
    Backend {
        /// Whether the same call may succeed later without anybody mending anything.
        retryable: bool,
        /// The cause, as the store reports it.
        source: ErrorSource,
    },
    /// The runtime on which the manager was made has ended, so that it can neither send nor renew anything; or this is
    /// a forked child of the process that made it.
    #[error(
        "the runtime of the lock manager has ended: make a manager on a runtime that lasts as long as its locks \
         (each `#[tokio::test]` has a runtime of its own), and one of its own in each forked process"
    )]
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
