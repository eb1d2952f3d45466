//! The clock of the history: `CLOCK_MONOTONIC`, which all processes of a machine read alike and nobody can set.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds on it.
#[must_use]
pub fn now() -> u64 {
    nanoseconds(Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default())
}

/// A span in the history's unit.
#[must_use]
pub fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
