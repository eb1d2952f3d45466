//! What of a hundred measurements is not exceeded by so many.

use std::time::Duration;

/// The time that so many percent of these do not exceed.
#[must_use]
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
