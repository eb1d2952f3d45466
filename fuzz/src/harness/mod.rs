//! Fuzzing without libFuzzer: a corpus, and what a seed makes of it.

mod corpus;
mod mutate;
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::{corpus::corpus, random::Random};

/// An input that breaks a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How many inputs went before it.
    pub after: u64,
    /// The input.
    pub input: Vec<u8>,
    /// What the target said.
    pub message: String,
}

/// Runs a target on its corpus and then on so many inputs that this seed makes of it.
///
/// # Errors
/// The first input on which it panics.
pub fn hunt(target: &dyn Fn(&[u8]), corpus: &[Vec<u8>], seed: u64, executions: u64) -> Result<(), Finding> {
    for (after, input) in (0..).zip(corpus) {
        run(target, input, after)?;
    }
    let mut random = Random::new(seed);
    for after in 0..executions {
        run(target, &mutate::next(corpus, &mut random), after)?;
    }
    Ok(())
}

fn run(target: &dyn Fn(&[u8]), input: &[u8], after: u64) -> Result<(), Finding> {
    catch_unwind(AssertUnwindSafe(|| target(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let message = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        Finding { after, input: input.to_vec(), message }
    })
}
