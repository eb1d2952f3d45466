//! Random sequences of what can be done to a few locks.

use std::env;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

pub(crate) const NAMES: usize = 3;
pub(crate) const HOLDERS: u8 = 3;

/// One of the leases that were ever granted, by a number; with the token of another one where it is forged.
#[derive(Debug, Clone)]
pub(crate) struct Pick {
    pub(crate) lease: usize,
    pub(crate) forged: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Acquire {
        name: usize,
        holder: u8,
        ticks: u64,
    },
    Renew(Vec<(Pick, u64)>),
    Release(Pick),
    HandOff {
        from: Pick,
        holder: u8,
        ticks: u64,
    },
    Inspect(usize),
    List {
        after: Option<usize>,
        limit: usize,
    },
    Pass(u64),
    /// A while passes, and the record goes if it is free.
    CleanUp(usize),
}

fn pick() -> impl Strategy<Value = Pick> {
    // Mostly the last ones, which may be live.
    let lease = prop_oneof![6 => 0..3_usize, 1 => 0..1000_usize];
    (lease, prop_oneof![8 => Just(None), 1 => (0..1000_usize).prop_map(Some)])
        .prop_map(|(lease, forged)| Pick { lease, forged })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (name, holder, ticks) = (0..NAMES, 0..HOLDERS, 1..24_u64);
    let step = prop_oneof![
        8 => (name.clone(), holder.clone(), ticks.clone()).prop_map(|(name, holder, ticks)| Step::Acquire { name, holder, ticks }),
        3 => vec((pick(), ticks.clone()), 0..4).prop_map(Step::Renew),
        3 => pick().prop_map(Step::Release),
        3 => (pick(), holder, ticks).prop_map(|(from, holder, ticks)| Step::HandOff { from, holder, ticks }),
        2 => name.clone().prop_map(Step::Inspect),
        1 => (prop::option::of(name.clone()), 1..4_usize).prop_map(|(after, limit)| Step::List { after, limit }),
        4 => (1..16_u64).prop_map(Step::Pass),
        1 => name.prop_map(Step::CleanUp),
    ];
    vec(step, 1..40)
}

/// Runs a test on so many sequences of a seed; a failure is made small before it is told. `SHYLOCK_REFERENCE_CASES` and
/// `SHYLOCK_REFERENCE_SEED` say otherwise.
pub(crate) fn explore(cases: u32, test: impl Fn(Vec<Step>) -> Result<(), String>) -> Result<(), String> {
    let setting = |variable, default| {
        let set = env::var(variable).ok();
        set.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
    };
    let cases = setting("SHYLOCK_REFERENCE_CASES", cases);
    let seed = setting("SHYLOCK_REFERENCE_SEED", 6);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    println!("{cases} sequences of seed {seed}");
    runner.run(&steps(), |steps| test(steps).map_err(TestCaseError::fail)).map_err(|failure| failure.to_string())
}
