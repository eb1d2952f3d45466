//! Explores the protocol: `cargo run --release -p shylock-proof --bin model -- [small|large|bugs]`.

use std::{env, process::ExitCode};

use shylock_proof::model::{
    bounds::Bounds,
    bugs::{Bug, Fate},
    explore::{Found, explore},
};

const THREADS: usize = 2;

fn main() -> ExitCode {
    let sound = match env::args().nth(1).as_deref() {
        None | Some("small") => worlds(&Bounds::SMALL_WORLDS),
        Some("large") => worlds(&Bounds::LARGE_WORLDS),
        Some("bugs") => bugs(),
        Some(other) => {
            eprintln!("small, large or bugs, not {other}");
            false
        }
    };
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores worlds without bugs. Says whether all promises were kept.
fn worlds(worlds: &[(&str, Bounds)]) -> bool {
    let mut sound = true;
    let (mut states, mut unique) = (0, 0);
    for (name, bounds) in worlds {
        let found = explore(*bounds, None, THREADS);
        println!("{name}: {found}");
        for (event, times) in &found.happened {
            println!("    {event:?}: {times}");
        }
        ways(&found);
        sound &= found.broken.is_empty();
        (states, unique) = (states + found.states, unique + found.unique);
    }
    println!("in all: {states} states, {unique} unique");
    sound
}

/// Explores each world with a bug, and without. Says whether each came to what was expected.
fn bugs() -> bool {
    let mut sound = true;
    let mut explored: Vec<Bounds> = Vec::new();
    for bug in Bug::ALL {
        let (bounds, fate) = bug.case();
        let found = explore(bounds, Some(*bug), THREADS);
        let as_expected = match fate {
            Fate::Caught(promise) => found.broken.iter().any(|(broken, _)| *broken == promise),
            Fate::Harmless(_) => found.broken.is_empty(),
        };
        println!("{bug:?}: {found}{}", if as_expected { "" } else { " -- UNEXPECTED" });
        if !as_expected {
            ways(&found);
        }
        sound &= as_expected;
        if !explored.contains(&bounds) {
            explored.push(bounds);
            let found = explore(bounds, None, THREADS);
            println!("    the same world without it: {found}");
            ways(&found);
            sound &= found.broken.is_empty();
        }
    }
    sound
}

fn ways(found: &Found) {
    for (promise, way) in &found.broken {
        println!("    how {promise:?} is broken:");
        way.iter().for_each(|action| println!("        {action:?}"));
    }
}
