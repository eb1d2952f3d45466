//! The simulation in CI: many seeds, each of them the same each time, and each seeded bug noticed.

use std::{sync::Mutex, time::Instant};

use shylock_proof::simulation::{Bug, Campaign, Failure, Kind, Tally, run};

const THREADS: usize = 2;

fn campaign(from: u64, count: u64, bug: Option<Bug>, most: usize) -> (Tally, Vec<Failure>) {
    Campaign { from, count, threads: THREADS, bug }.run(most, |_| {})
}

/// `SCHEDULES=1000` runs fewer of them.
#[test]
fn a_hundred_thousand_schedules_without_a_violation() {
    let count = std::env::var("SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let begun = Instant::now();
    let (tally, failures) = campaign(1, count, None, 5);
    println!("{tally}\nin {:?}", begun.elapsed());
    for Failure { seed, violations } in &failures {
        println!("seed {seed}: {}", violations.join("\n    "));
    }
    assert!(failures.is_empty(), "{}", failures[0].replay());
    assert_eq!(tally.schedules, count);
    // A run in which nothing happens proves nothing.
    assert!(Kind::ALL.iter().all(|kind| tally.faults.get(kind).is_some_and(|times| *times * 20 > count)), "{tally}");
    let [grants, unknowns, fenced, losses] = [tally.grants, tally.unknowns, tally.fenced, tally.losses];
    assert!(grants > 20 * count && unknowns > count && fenced > count && losses * 10 > count, "{tally}");
}

/// What each of these found is repaired: a lost lease told to be released (138, 254); a lock told to be another's that
/// was the call's own, given up (201343, 212171) or ended (205633). With
/// the last three the judge was wrong: it took a holder that does not know of its lock for none.
#[test]
fn seeds_that_found_something_find_nothing_any_more() {
    for seed in [138, 254, 201_343, 205_633, 212_171, 603_688, 812_517, 1_285_766] {
        let outcome = run(seed, None);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}

#[test]
fn a_seed_is_one_history_whatever_ran_before() {
    let forwards: Vec<_> = (1..=300).map(|seed| run(seed, None).history).collect();
    let backwards: Vec<_> = (1..=300).rev().map(|seed| run(seed, None).history).collect();
    for (seed, (first, second)) in forwards.iter().zip(backwards.iter().rev()).enumerate() {
        assert_eq!(first, second, "seed {}", seed + 1);
    }
    let beside_others = Mutex::new(std::collections::BTreeMap::new());
    Campaign { from: 1, count: 300, threads: 4, bug: None }.run(1, |outcome| {
        let mut all = beside_others.lock().expect("no panic in here");
        all.insert(outcome.plan.seed, outcome.history.clone());
    });
    let beside_others = beside_others.into_inner().expect("no panic in here");
    assert!(beside_others.into_values().eq(forwards), "on four threads");
}

/// How many seeds may pass until a bug is noticed.
const SOON: u64 = 5000;

#[test]
fn each_seeded_bug_is_noticed() {
    let mut unnoticed = Vec::new();
    for bug in Bug::ALL {
        let (tally, failures) = campaign(1, SOON, Some(bug), 1);
        match failures.first() {
            Some(Failure { violations, .. }) => println!("{bug:?}: {} schedules, {}", tally.schedules, violations[0]),
            None => unnoticed.push(bug),
        }
    }
    assert!(unnoticed.is_empty(), "not noticed in {SOON} schedules: {unnoticed:?}");
}
