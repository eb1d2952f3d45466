//! The protocol, explored: small worlds entirely, and each seeded bug to its first breach. The large worlds:
//! `cargo run --release -p shylock-proof --bin model -- large`.

use shylock_proof::model::{
    bounds::Bounds,
    bugs::{Bug, Fate},
    explore::{Found, explore},
    tally::Event,
};

#[test]
fn small_worlds_keep_every_promise() {
    let explored: Vec<Found> = Bounds::SMALL_WORLDS
        .iter()
        .map(|(name, bounds)| {
            let found = explore(*bounds, None, 2);
            println!("{name}: {found}");
            assert!(found.broken.is_empty(), "{name}: {:#?}", found.broken);
            found
        })
        .collect();
    for event in Event::ALL {
        let happened = explored.iter().any(|found| found.has(event));
        // Only a weak write concern rolls back.
        assert_eq!(happened, event != Event::RolledBack, "{event:?}");
    }
}

#[test]
fn every_bug_is_caught_or_harmless_for_a_reason() {
    assert!(Bug::ALL.len() >= 24);
    for bug in Bug::ALL {
        let (bounds, fate) = bug.case();
        let found = explore(bounds, Some(*bug), 2);
        println!("{bug:?}: {found}");
        match fate {
            Fate::Caught(promise) => {
                let broken: Vec<_> = found.broken.iter().map(|(promise, _)| *promise).collect();
                assert!(broken.contains(&promise), "{bug:?} breaks {promise:?}, not {broken:?}");
            }
            Fate::Harmless(why) => assert!(found.broken.is_empty(), "{bug:?} is not harmless ({why}): {found:#?}"),
        }
    }
}

/// All of a world is explored, whoever does it.
#[test]
fn threads_make_no_difference() {
    let bounds = Bounds { until: 3, messages: 2, ..Bounds::PLAIN };
    let (one, two) = (explore(bounds, None, 1), explore(bounds, None, 2));
    assert_eq!((one.states, one.unique), (two.states, two.unique));
}
