//! Doors for our fuzz targets. No public API: they change with any version.

use std::time::Duration;

use crate::{
    Result,
    options::{LockOptions, ManagerOptions},
};

/// Checks the options of a lock.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption).
pub fn check_lock(ttl: Option<Duration>, max_hold: Option<Duration>, note: Option<String>) -> Result<()> {
    LockOptions { ttl, no_renewal: false, note, max_hold }.check()
}

/// Checks the options of a manager.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption).
pub fn check_manager(
    ttl: Duration,
    margin: Option<Duration>,
    namespace: Option<String>,
    label: Option<String>,
) -> Result<()> {
    ManagerOptions { ttl, namespace, label, margin, ..ManagerOptions::default() }.check()
}
