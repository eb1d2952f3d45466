//! [`configure`]: the manager that a process's locks use by default.

use std::sync::{PoisonError, RwLock};

use crate::{Error, LockManager, Result, process::PerProcess};

static DEFAULT: PerProcess<RwLock<Option<LockManager>>> = PerProcess::new();

/// Sets, or replaces, the store that locks of this process use unless they were made by another manager.
///
/// A store that is given here becomes a manager with the default options, made by this call: it works on the caller's
/// tokio runtime, where there is one. A lock looks for the default each time it is acquired; guards stay with the
/// manager they came from.
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
