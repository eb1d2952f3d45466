//! Each target on its corpus and on inputs of a seed: the short form of the campaigns in `proof/FUZZING.md`.
//!
//! `SHYLOCK_FUZZ_EXECUTIONS` and `SHYLOCK_FUZZ_SEED` make it longer, or another.

use std::env;

use shylock_fuzz::{
    TARGETS,
    harness::{corpus, hunt},
};

fn setting(variable: &str, default: u64) -> u64 {
    let set = env::var(variable).ok();
    set.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn short(name: &str) {
    let target = shylock_fuzz::target(name).expect("a target");
    let (seed, executions) = (setting("SHYLOCK_FUZZ_SEED", 6), setting("SHYLOCK_FUZZ_EXECUTIONS", 20_000));
    let corpus = corpus(name);
    println!("{name}: {} inputs of the corpus, {executions} of seed {seed}", corpus.len());
    if let Err(finding) = hunt(&target, &corpus, seed, executions) {
        panic!("{name}, seed {seed}, after {}: {}\n{:?}", finding.after, finding.message, finding.input);
    }
}

macro_rules! short {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            short(stringify!($name));
        })*

        #[test]
        fn every_target_is_run() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

short! {
    names options tickets
    mongo_records mongo_replies mongo_uris
    arango_records arango_replies arango_numbers arango_uris
}

/// The same seed runs the same inputs, so that what it finds can be found again.
#[test]
fn a_finding_can_be_found_again() {
    let planted = |data: &[u8]| assert!(!data.windows(2).any(|two| two == b"{}"), "planted");
    let first = hunt(&planted, &[], 7, 20_000).expect_err("it is found");
    assert_eq!(first.message, "planted");
    assert_eq!(hunt(&planted, &[], 7, 20_000), Err(first.clone()));
    assert_ne!(hunt(&planted, &[], 8, 20_000), Err(first.clone()));
    let known = hunt(&planted, std::slice::from_ref(&first.input), 8, 0).expect_err("it is in the corpus");
    assert_eq!(known.input, first.input);
}
