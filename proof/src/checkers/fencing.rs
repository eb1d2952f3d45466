//! CK-F: the resource accepts nothing that is stale.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    run::{Instant, Run},
    violation::{Breach, Violation},
};
use crate::history::{Event, What};

#[derive(Debug, Clone, Copy)]
struct Accepted {
    process: u32,
    token: u64,
    order: u64,
    /// When it was sent; its answer's moment if that is not known.
    sent: Instant,
    at: Instant,
}

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, mut accepted) in accepted_writes(run, &mut found) {
        stale(name, &accepted, &mut found);
        accepted.sort_by_key(|write| write.order);
        for pair in accepted.windows(2) {
            let (tokens, times) = ([pair[0].token, pair[1].token], [pair[0].at.0, pair[1].at.0]);
            if pair[0].order == pair[1].order {
                found.push(Violation::new(Breach::OrderTwice, name, pair[1].process, &tokens, &times));
            } else if pair[0].token > pair[1].token {
                found.push(Violation::new(Breach::AcceptedFell, name, pair[1].process, &tokens, &times));
            }
        }
    }
    found
}

/// The accepted writes of each lock's resource, by the time of their answers. Finds answers without a question.
fn accepted_writes<'a>(run: &Run<'a>, found: &mut Vec<Violation>) -> BTreeMap<&'a str, Vec<Accepted>> {
    let mut sent: HashMap<(u32, &str, u64), (u64, Instant)> = HashMap::new();
    let mut answered = HashSet::new();
    let mut accepted: BTreeMap<&str, Vec<Accepted>> = BTreeMap::new();
    // All that was sent first: a write and its answer may have one time.
    for &(at, event) in &run.events {
        if let What::Writing { write, token } = event.what {
            sent.insert((event.process, &event.lock, write), (token, at));
        }
    }
    for &(at, event) in &run.events {
        let Event { process, ref lock, .. } = *event;
        let (write, token, order) = match event.what {
            What::Accepted { write, token, order } => (write, token, Some(order)),
            What::Fenced { write, token } => (write, token, None),
            _ => continue,
        };
        let question =
            sent.get(&(process, lock.as_str(), write)).filter(|(with, since)| *with == token && *since <= at);
        if question.is_none() {
            found.push(Violation::new(Breach::NeverSent, lock, process, &[token], &[at.0]));
        }
        if !answered.insert((process, lock.as_str(), write)) {
            found.push(Violation::new(Breach::WriteEndedTwice, lock, process, &[token], &[at.0]));
        }
        if let Some(order) = order {
            let sent = question.map_or(at, |(_, since)| *since);
            accepted.entry(lock).or_default().push(Accepted { process, token, order, sent, at });
        }
    }
    accepted
}

/// Compares each accepted write with the largest token that was acknowledged before it was sent.
fn stale(name: &str, accepted: &[Accepted], found: &mut Vec<Violation>) {
    let mut by_sent: Vec<&Accepted> = accepted.iter().collect();
    by_sent.sort_by_key(|write| write.sent);
    let mut acknowledged = accepted.iter().peekable();
    let mut largest: Option<&Accepted> = None;
    for write in by_sent {
        while let Some(before) = acknowledged.next_if(|before| before.at < write.sent) {
            largest = largest.filter(|largest| largest.token >= before.token).or(Some(before));
        }
        if let Some(before) = largest.filter(|before| before.token > write.token) {
            let (tokens, times) = ([before.token, write.token], [before.at.0, write.sent.0, write.at.0]);
            found.push(Violation::new(Breach::AcceptedStale, name, write.process, &tokens, &times));
        }
    }
}
