//! [`Campaign`]: many seeds, on some threads.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{
    bug::Bug,
    run::{Outcome, run},
    tally::Tally,
};

/// A range of seeds.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many of them.
    pub count: u64,
    /// On so many threads.
    pub threads: usize,
    /// The bug that each has.
    pub bug: Option<Bug>,
}

/// A seed whose schedule went wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What must not have happened.
    pub violations: Vec<String>,
}

impl Failure {
    /// The command that runs it again.
    #[must_use]
    pub fn replay(&self) -> String {
        format!("cargo run --release -p shylock-proof --bin simulate -- --seed {} --trace", self.seed)
    }
}

impl Campaign {
    /// Runs the seeds up to `most` failures. `look` sees each outcome.
    pub fn run(&self, most: usize, look: impl Fn(&Outcome) + Sync) -> (Tally, Vec<Failure>) {
        let next = AtomicU64::new(0);
        let failures = Mutex::new(Vec::new());
        let failed = || failures.lock().unwrap_or_else(PoisonError::into_inner);
        let work = || {
            let mut tally = Tally::default();
            while failed().len() < most {
                let step = next.fetch_add(1, Ordering::Relaxed);
                if step >= self.count {
                    break;
                }
                let seed = self.from + step;
                let outcome = run(seed, self.bug);
                tally.count(&outcome);
                look(&outcome);
                if !outcome.violations.is_empty() {
                    failed().push(Failure { seed, violations: outcome.violations });
                }
            }
            tally
        };
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads).map(|_| scope.spawn(work)).collect();
            for thread in threads {
                match thread.join() {
                    Ok(counted) => tally.add(&counted),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(|failure: &Failure| failure.seed);
        (tally, failures)
    }
}
