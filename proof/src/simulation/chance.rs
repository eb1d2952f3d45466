//! [`Chance`]: numbers that a seed decides.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A generator (SplitMix64). Each actor of a simulation has its own, so that what one does changes no other's numbers.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    /// The generator of this seed.
    #[must_use]
    pub(super) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The generator of one actor.
    #[must_use]
    pub(super) fn of(seed: u64, actor: u64) -> Self {
        Self::new(mixed(seed ^ mixed(actor.wrapping_add(1))))
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        mixed(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// A number in `0..below`; zero where there is none.
    pub(super) fn below(&self, below: u64) -> u64 {
        self.next().checked_rem(below).unwrap_or_default()
    }

    /// A number in `least..=most`.
    pub(super) fn between(&self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// A time span in milliseconds, both ends included.
    pub(super) fn ms(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    /// True in so many of a thousand cases.
    pub(super) fn per_mille(&self, cases: u64) -> bool {
        self.below(1000) < cases
    }

    /// One of them.
    pub(super) fn one_of<T: Copy>(&self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        all[at]
    }
}

const fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_an_actor_decide_the_numbers() {
        let numbers = |seed, actor| {
            let chance = Chance::of(seed, actor);
            [(); 5].map(|()| chance.next())
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let chance = Chance::new(1);
        let rolled: std::collections::BTreeSet<_> = (0..1000).map(|_| chance.between(3, 6)).collect();
        assert_eq!(rolled, (3..=6).collect());
        assert_eq!((0..1000).filter(|_| chance.per_mille(0)).count(), 0);
        assert_eq!((0..1000).filter(|_| chance.per_mille(1000)).count(), 1000);
    }
}
