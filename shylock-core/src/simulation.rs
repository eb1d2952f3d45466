//! What a simulation decides for the engine: its random numbers, and that only tokio's clock is read.
//!
//! It is switched on for one thread, at run time; the feature alone changes nothing.

use std::{cell::Cell, marker::PhantomData};

thread_local! {
    /// The state of the generator (SplitMix64), while this thread simulates.
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// While it lives, all managers that work on this thread do the same each time with the same seed.
#[derive(Debug)]
#[must_use = "the simulation ends when it is dropped"]
pub struct Simulation(PhantomData<*const ()>);

impl Simulation {
    /// Begins on this thread.
    pub fn with_seed(seed: u64) -> Self {
        STATE.set(Some(seed));
        Self(PhantomData)
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        STATE.set(None);
    }
}

/// Whether this thread simulates.
pub(crate) fn is_on() -> bool {
    STATE.get().is_some()
}

/// Fills it, if this thread simulates.
pub(crate) fn fill(bytes: &mut [u8]) -> bool {
    let Some(mut state) = STATE.get() else { return false };
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
    }
    STATE.set(Some(state));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HolderId;

    #[test]
    fn a_seed_decides_all_ids_until_it_is_over() {
        let ids = |seed| {
            let _simulation = Simulation::with_seed(seed);
            [(); 3].map(|()| HolderId::random().expect("random"))
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert!(!is_on());
        assert_ne!(HolderId::random().expect("random"), ids(1)[0]);
    }
}
