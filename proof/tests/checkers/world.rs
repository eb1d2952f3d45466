//! Clean histories by seed: what a sound store and sound clients would have done, with kills, pauses and lost answers.

use std::collections::HashSet;

use shylock_proof::{
    checkers::Settings,
    history::{Event, What},
};

use crate::{line::Line, random::Random};

pub(crate) const MICRO: u64 = 1_000;
pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const SECRET: &str = "canary-7f3a";

pub(crate) fn settings() -> Settings {
    Settings {
        ttl: 10 * SECOND,
        grace: SECOND / 2,
        poll: 2 * SECOND,
        overtaken: Some(2),
        overtaken_locally: Some(0),
        recovery: SECOND,
        wait_bound: 60 * SECOND,
        secrets: vec![SECRET.into()],
        ..Settings::default()
    }
}

/// A history of several locks, each with this many turns.
pub(crate) fn clean(seed: u64, turns: u64) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut world = World::default();
    let locks = random.between(2, 5);
    let mut lines: Vec<Line> = (1..=locks).map(|lock| Line::new(lock, random.next())).collect();
    for line in &mut lines {
        (0..turns).for_each(|_| line.turn(&mut world, true));
        line.settle(&mut world);
    }
    let healed = lines.iter().map(Line::now).max().expect("a lock") + SECOND;
    world.faults(&mut random, healed);
    world.add(healed, 0, "", What::AllHealed);
    for line in &mut lines {
        line.wait_until(healed + SECOND);
        (0..turns.div_ceil(4)).for_each(|_| line.turn(&mut world, false));
        line.settle(&mut world);
    }
    let end = lines.iter().map(Line::now).max().expect("a lock") + SECOND;
    world.uses(&mut random, end);
    world.events.sort_by_key(|event| event.at);
    world.events
}

#[derive(Default)]
pub(crate) struct World {
    events: Vec<Event>,
    pub(crate) calls: u64,
    pub(crate) writes: u64,
}

impl World {
    /// A world whose events do not count, for a call that will be told otherwise.
    pub(crate) fn beside(world: &World) -> Self {
        Self { calls: world.calls, ..Self::default() }
    }

    pub(crate) fn add(&mut self, at: u64, process: u32, lock: &str, what: What) {
        self.events.push(Event { at, process, lock: lock.to_owned(), what });
    }

    fn faults(&mut self, random: &mut Random, healed: u64) {
        for _ in 0..random.between(2, 8) {
            let kind = (*random.pick(&["failover", "partition", "delay"]).expect("a kind")).to_owned();
            let from = random.between(SECOND, healed);
            let to = random.between(from, from + 5 * SECOND).min(healed);
            self.add(from, 0, "", What::Fault { kind: kind.clone(), detail: "server 2".into() });
            self.add(to, 0, "", What::Healed { kind });
        }
    }

    /// What each process uses first and, if it was not killed, at the end.
    fn uses(&mut self, random: &mut Random, end: u64) {
        let mut processes: Vec<u32> = self.events.iter().map(|event| event.process).collect();
        processes.sort_unstable();
        processes.dedup();
        let killed = self.events.iter().filter(|event| event.what == What::Killed);
        let killed: HashSet<u32> = killed.map(|event| event.process).collect();
        let alive: Vec<u32> = processes.iter().copied().filter(|process| !killed.contains(process)).collect();
        for (at, processes) in [(0, processes), (end / 2, alive.clone()), (end, alive)] {
            for process in processes {
                // In between anything may be in use.
                let more = if at == end / 2 { random.between(1, 100) } else { 0 };
                let resident = (50 << 20) + random.between(0, 1 << 20);
                let what = What::Uses { tasks: 5 + more, connections: 3 + more, files: 20 + more, resident };
                self.add(at, process, "", what);
            }
        }
    }
}
