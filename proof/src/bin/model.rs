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
        Some("try") => {
            let mut b =
                Bounds { writes: 0, renewals: 0, repeats: 0, drift: 0, faults: 0, retention: None, ..Bounds::SMALL };
            let mut bug = None;
            for a in env::args().skip(2) {
                let (k, v) = a.split_once('=').unwrap();
                let n: u8 = v.parse().unwrap_or(0);
                match k {
                    "p" => {
                        b.processes = match v {
                            "1" => &[0],
                            "2" => &[0, 1],
                            "3" => &[0, 1, 2],
                            "m" => &[0, 0],
                            _ => &[0, 0, 1],
                        }
                    }
                    "until" => b.until = n,
                    "ttl" => b.ttl = n,
                    "margin" => b.margin = n,
                    "skew" => b.skew = n as i8,
                    "drift" => b.drift = n,
                    "retention" => b.retention = Some(n),
                    "wishes" => b.wishes = n,
                    "repeats" => b.repeats = n,
                    "renewals" => b.renewals = n,
                    "writes" => b.writes = n,
                    "faults" => b.faults = n,
                    "breaks" => b.breaks = n,
                    "messages" => b.messages = n.into(),
                    "bug" => bug = Bug::ALL.iter().find(|bug| format!("{bug:?}") == v).copied(),
                    _ => panic!(),
                }
            }
            let found = explore(b, bug, THREADS);
            println!("{found}");
            for (event, times) in &found.happened {
                print!(" {event:?}:{times}");
            }
            println!();
            ways(&found);
            true
        }
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

/// Explores each world with a bug. Says whether each came to what was expected.
fn bugs() -> bool {
    let mut sound = true;
    for bug in Bug::ALL {
        let (bounds, fate) = bug.case();
        let found = explore(bounds, Some(*bug), THREADS);
        let as_expected = match fate {
            Fate::Caught(promise) => found.broken.iter().any(|(broken, _)| *broken == promise),
            Fate::Harmless(_) => found.broken.is_empty(),
        };
        println!("{bug:?}: {found}{}", if as_expected { "" } else { " -- UNEXPECTED" });
        if !as_expected || env::args().any(|argument| argument == "ways") {
            ways(&found);
        }
        sound &= as_expected;
    }
    sound
}

fn ways(found: &Found) {
    for (promise, way) in &found.broken {
        println!("    how {promise:?} is broken:");
        way.iter().for_each(|action| println!("        {action:?}"));
    }
}
