//! Histories corrupted on purpose: each kind of corruption is flagged as what it is, wherever it is put.

#![expect(clippy::ptr_arg, reason = "all kinds of corruption have one signature")]

mod calls;
mod guards;
mod rest;
mod stored;
mod story;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use shylock_proof::{
    checkers::{Breach, Checker, check},
    history::Event,
};

use crate::{
    random::Random,
    world::{clean, settings},
};

/// A kind of corruption: what it must be flagged as, its name, and how it is done. False where the history has no place
/// for it.
type Corruption = (Breach, &'static str, fn(&mut Random, &mut Vec<Event>) -> bool);

/// How many histories each kind spoils.
const EACH: usize = 50;

fn all() -> Vec<Corruption> {
    [calls::KINDS, guards::KINDS, rest::KINDS, stored::KINDS, writes::KINDS].concat()
}

#[test]
fn each_corruption_is_flagged_by_its_checker() {
    let mut flagged: BTreeMap<Checker, usize> = BTreeMap::new();
    let mut missed = Vec::new();
    for (breach, name, corrupt) in all() {
        let mut spoilt = 0;
        for seed in 0..1_000 {
            let mut events = clean(seed, 24);
            if !corrupt(&mut Random::new(seed ^ 0xc0ff_ee00), &mut events) {
                continue;
            }
            events.sort_by_key(|event| event.at);
            let found = check(breach.checker(), &events, &settings());
            let named = found.iter().any(|violation| violation.breach == breach);
            if !named {
                missed.push(format!("seed {seed}, {name}: {breach} is not among {found:?}"));
            }
            spoilt += 1;
            if spoilt == EACH {
                break;
            }
        }
        assert_eq!(spoilt, EACH, "{name}: there is a place for it in enough histories");
        *flagged.entry(breach.checker()).or_default() += spoilt;
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    println!("corrupted histories flagged: {flagged:?}");
    assert!(Checker::ALL.iter().all(|checker| flagged.get(checker).is_some_and(|count| *count >= 50)));
}

/// `PastDeadline` needs a run without renewals, and has its golden histories instead.
#[test]
fn each_breach_has_a_corruption() {
    let tried: BTreeSet<Breach> = all().into_iter().map(|(breach, ..)| breach).collect();
    let left: Vec<&Breach> = Breach::ALL.iter().filter(|breach| !tried.contains(breach)).collect();
    assert_eq!(left, [&Breach::PastDeadline]);
}
