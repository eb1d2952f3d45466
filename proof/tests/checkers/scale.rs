//! A long history is checked in no time.

use std::time::{Duration, Instant};

use shylock_proof::checkers::check_all;

use crate::world::{clean, settings};

/// The bound is for a release build; others are slower.
#[test]
fn two_hundred_thousand_events_are_checked_in_two_seconds() {
    let mut turns = 2_000;
    let mut events = clean(7, turns);
    while events.len() < 200_000 {
        turns *= 2;
        events = clean(7, turns);
    }
    events.truncate(200_000);
    let start = Instant::now();
    let report = check_all(&events, &settings());
    let took = start.elapsed();
    println!("{} events in {took:?}; {}", events.len(), report.summary);
    let bound = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(2) };
    assert!(took < bound, "{took:?}");
}
