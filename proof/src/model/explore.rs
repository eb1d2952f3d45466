//! Explores a world, and tells what was found.

use std::{
    fmt,
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model};

use super::{
    World,
    action::Action,
    bounds::Bounds,
    bugs::Bug,
    property::Promise,
    rules::Rules,
    tally::{Event, Tally},
};

/// What an exploration has found.
#[derive(Debug)]
pub struct Found {
    /// States that were generated.
    pub states: usize,
    /// Those of them that differ.
    pub unique: usize,
    /// The longest way.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// The promises that were broken, and how.
    pub broken: Vec<(Promise, Vec<Action>)>,
    /// How often each thing has happened.
    pub happened: Vec<(Event, u64)>,
}

/// Explores all of a world, or as far as the first breach in one with a bug.
#[must_use]
pub fn explore(bounds: Bounds, bug: Option<Bug>, threads: usize) -> Found {
    let world = World { bounds, rules: Rules { bug }, tally: Tally::default() };
    let begun = Instant::now();
    let checker = world.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    // The shortest way to a breach is worth more memory; where none is expected, the least memory is.
    if bug.is_some() { summary(checker.spawn_bfs().join(), begun) } else { summary(checker.spawn_dfs().join(), begun) }
}

fn summary(checker: impl Checker<World>, begun: Instant) -> Found {
    let time = begun.elapsed();
    // Whatever stops it before its end is a discovery.
    let discoveries = checker.discoveries();
    assert!(!discoveries.is_empty() || checker.is_done(), "the exploration has stopped half-way");
    let broken = |promise: Promise| Some((promise, discoveries.get(promise.name())?.clone().into_actions()));
    let tally = &checker.model().tally;
    Found {
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        time,
        broken: Promise::ALL.into_iter().filter_map(broken).collect(),
        happened: Event::ALL.into_iter().map(|event| (event, tally.of(event))).collect(),
    }
}

impl Found {
    /// Whether this has happened.
    #[must_use]
    pub fn has(&self, event: Event) -> bool {
        self.happened.iter().any(|(other, times)| *other == event && *times > 0)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, unique, depth, time, broken, .. } = self;
        write!(f, "{states} states, {unique} unique, depth {depth}, {:.1} s, ", time.as_secs_f64())?;
        if broken.is_empty() {
            return write!(f, "no promise broken");
        }
        let names: Vec<_> =
            broken.iter().map(|(promise, way)| format!("{:?} ({} steps)", promise, way.len())).collect();
        write!(f, "broken: {}", names.join(", "))
    }
}
