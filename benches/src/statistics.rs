//! What many measurements come to.

use std::time::Duration;

use shylock_tests::percentile;

use crate::outcome::Outcome;

/// Measured times; there is at least one.
#[derive(Debug, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(times: Vec<Duration>) -> Outcome<Self> {
        if times.is_empty() { Err("nothing was measured".into()) } else { Ok(Self(times)) }
    }

    /// The time that so many percent of these do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        percentile(&mut self.0.clone(), percent)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The middle one; of two in the middle the smaller. `NaN` if there is none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// A count as a number to divide by; more than four billion of anything are not measured here.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = Times::new((1..=100).rev().map(Duration::from_millis).collect()).expect("some");
        assert_eq!(
            (times.percentile(50), times.percentile(99)),
            (Duration::from_millis(50), Duration::from_millis(99))
        );
        assert!(Times::new(Vec::new()).is_err());
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).to_bits(), 2.0_f64.to_bits());
        assert!(median(&[]).is_nan());
    }
}
