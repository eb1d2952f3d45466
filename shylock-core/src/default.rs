//! [`configure`]: the manager that a process's locks use by default.

use std::sync::{PoisonError, RwLock};

use crate::{Error, LockManager, Result, process::PerProcess};

static DEFAULT: PerProcess<RwLock<Option<LockManager>>> = PerProcess::new();

/// Sets, or replaces, the store that locks of this process use unless they were made by another manager.
///
/// A store that is given here becomes a manager with the default options, made by this call: it works on the caller's
/// tokio runtime, where there is one. A lock looks for the default each time it is acquired; guards stay with the
/// manager they came from.
///
/// # One runtime per test
/// A manager works as long as the runtime on which it was made. `#[tokio::test]` makes a runtime for each test, so the
/// default that one test has set is of no use to the next: its locks fail with [`Error::Stopped`], or with the error of
/// a client whose runtime has ended. In tests, make a manager in each and use its locks:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> shylock_core::Result<()> {
/// use shylock_core::{LockManager, MemoryBackend};
///
/// let manager = LockManager::new(MemoryBackend::new()); // in each test
/// let guard = manager.lock("invoice-42").acquire().await?;
/// guard.release().await?;
/// # Ok(()) }
/// ```
///
/// To share one store between all tests, make it on a runtime that lasts as long as the process, as
/// `sync::block_on` of the stores' crates does. A paused clock (`start_paused`) does not wait for real servers: time-outs
/// pass at once, and calls fail with "no answer".
pub fn configure(manager: impl Into<LockManager>) {
    *DEFAULT.get().write().unwrap_or_else(PoisonError::into_inner) = Some(manager.into());
}

impl LockManager {
    /// The manager that [`configure`] has set for this process.
    ///
    /// # Errors
    /// [`Error::NotConfigured`].
    pub fn configured() -> Result<Self> {
        let default = DEFAULT.get().read().unwrap_or_else(PoisonError::into_inner);
        default.clone().ok_or(Error::NotConfigured)
    }
}
