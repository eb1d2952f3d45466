//! Random numbers: the operating system's, or those of a seed where the engine is simulated.

/// Fills it with random bytes.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    #[cfg(feature = "simulation")]
    if crate::simulation::fill(bytes) {
        return Ok(());
    }
    getrandom::fill(bytes)
}

/// A random number in 0..1, for jitter only.
pub(crate) fn jitter() -> f64 {
    let mut bytes = [0; 4];
    let random = fill(&mut bytes).map_or(u32::MAX / 2, |()| u32::from_ne_bytes(bytes));
    f64::from(random) / f64::from(u32::MAX)
}
