//! CK-L, second half: no call is overtaken too often by calls that began later.

use std::collections::BTreeMap;

use super::{
    run::{Call, End, Instant, Run},
    violation::{Breach, Violation},
};

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for lock in run.locks.values() {
        let calls: Vec<&Call<'_>> = lock.calls.iter().map(|&call| &run.calls[call]).collect();
        if let Some(most) = run.settings.overtaken {
            overtaken(run, &calls, most, Breach::Overtaken, &mut found);
        }
        if let Some(most) = run.settings.overtaken_locally {
            let mut local: BTreeMap<u32, Vec<&Call<'_>>> = BTreeMap::new();
            calls.iter().for_each(|call| local.entry(call.process).or_default().push(call));
            local.values().for_each(|calls| overtaken(run, calls, most, Breach::OvertakenLocally, &mut found));
        }
    }
    found
}

/// Goes from the last call to the first, and counts the grants of later calls before each one's end. `calls` are in the
/// order in which they began. Those whose process was not running, or that a fault held up, do not count.
fn overtaken(run: &Run<'_>, calls: &[&Call<'_>], most: usize, breach: Breach, found: &mut Vec<Violation>) {
    let mut grants: Vec<Instant> = calls.iter().filter_map(|call| granted(call)).collect();
    grants.sort_unstable();
    let place = |moment: Instant| grants.partition_point(|grant| *grant < moment);
    let mut later = Counts::new(grants.len());
    for together in calls.chunk_by(|one, other| one.begin() == other.begin()).rev() {
        for call in together {
            let (Some(begin), Some((end, _))) = (call.begin(), call.end()) else { continue };
            let count = later.below(place(end));
            let (from, to) = (begin.0, end.0);
            if count > most && !run.paused(call.process, from, to) && !run.disturbed(from, to) {
                let tokens: Vec<u64> = call.token().into_iter().collect();
                found.push(Violation::new(breach, call.lock, call.process, &tokens, &[from, to]));
            }
        }
        together.iter().filter_map(|call| granted(call)).for_each(|grant| later.add(place(grant)));
    }
}

fn granted(call: &Call<'_>) -> Option<Instant> {
    call.ends.iter().find(|(_, end)| matches!(end, End::Granted(_))).map(|(at, _)| *at)
}

/// How many were counted at the places below one: a binary indexed tree.
struct Counts(Vec<usize>);

impl Counts {
    fn new(places: usize) -> Self {
        Self(vec![0; places + 1])
    }

    fn add(&mut self, place: usize) {
        let mut node = place + 1;
        while let Some(count) = self.0.get_mut(node) {
            *count += 1;
            node += lowest_bit(node);
        }
    }

    fn below(&self, place: usize) -> usize {
        let (mut node, mut sum) = (place, 0);
        while node > 0 {
            sum += self.0[node];
            node -= lowest_bit(node);
        }
        sum
    }
}

fn lowest_bit(number: usize) -> usize {
    1 << number.trailing_zeros()
}
