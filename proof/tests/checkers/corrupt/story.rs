//! Finding a place in a history that a corruption needs.

use std::collections::HashSet;

use shylock_proof::history::{Event, What};

use crate::random::Random;

/// The places of all events for which this is true.
pub(crate) fn places(events: &[Event], is: impl Fn(&Event) -> bool) -> Vec<usize> {
    (0..events.len()).filter(|&place| is(&events[place])).collect()
}

/// One of the events for which this is true.
pub(crate) fn any(random: &mut Random, events: &[Event], is: impl Fn(&Event) -> bool) -> Option<usize> {
    random.pick(&places(events, is)).copied()
}

pub(crate) fn is_granted(event: &Event) -> bool {
    matches!(event.what, What::Granted { .. })
}

/// The token that an event of a holder is about.
pub(crate) fn token_of(event: &Event) -> Option<u64> {
    match event.what {
        What::Granted { token, .. }
        | What::Asked { token, .. }
        | What::Lost { token, .. }
        | What::Releasing { token }
        | What::Released { token, .. }
        | What::Writing { token, .. }
        | What::Accepted { token, .. }
        | What::Fenced { token, .. }
        | What::Stored { token, .. } => Some(token),
        _ => None,
    }
}

/// The call that an event begins or ends.
pub(crate) fn call_of(event: &Event) -> Option<u64> {
    match event.what {
        What::Wanted { call, .. }
        | What::Granted { call, .. }
        | What::Refused { call }
        | What::Failed { call, .. }
        | What::Abandoned { call } => Some(call),
        _ => None,
    }
}

pub(crate) fn is_end(event: &Event) -> bool {
    call_of(event).is_some() && !matches!(event.what, What::Wanted { .. })
}

/// The place where a call begins. Numbers of calls are never used twice in these histories.
pub(crate) fn wanted(events: &[Event], call: u64) -> Option<usize> {
    events.iter().position(|event| matches!(event.what, What::Wanted { call: begun, .. } if begun == call))
}

pub(crate) fn granted(events: &[Event], lock: &str, token: u64) -> Option<usize> {
    events.iter().position(|event| is_granted(event) && event.lock == lock && token_of(event) == Some(token))
}

/// Processes that were paused or killed.
pub(crate) fn upset(events: &[Event]) -> HashSet<u32> {
    let upset = events.iter().filter(|event| matches!(event.what, What::Paused | What::Killed));
    upset.map(|event| event.process).collect()
}

/// Without faults nothing excuses what is late.
pub(crate) fn calm(events: &mut Vec<Event>) {
    events.retain(|event| !matches!(event.what, What::Fault { .. } | What::Healed { .. }));
}

/// The places of the store's account of each lock, pair by pair.
pub(crate) fn stored_pairs(events: &[Event]) -> Vec<(usize, usize)> {
    let stored = places(events, |event| matches!(event.what, What::Stored { .. }));
    let mut pairs = Vec::new();
    for (number, &place) in stored.iter().enumerate() {
        let next = stored[number + 1..].iter().find(|&&next| events[next].lock == events[place].lock);
        pairs.extend(next.map(|&next| (place, next)));
    }
    pairs
}

/// The places of the grants of each lock, pair by pair.
pub(crate) fn granted_pairs(events: &[Event]) -> Vec<(usize, usize)> {
    let granted = places(events, is_granted);
    let mut pairs = Vec::new();
    for (number, &place) in granted.iter().enumerate() {
        let next = granted[number + 1..].iter().find(|&&next| events[next].lock == events[place].lock);
        pairs.extend(next.map(|&next| (place, next)));
    }
    pairs
}

pub(crate) fn insert(events: &mut Vec<Event>, at: u64, like: usize, what: What) {
    let Event { process, lock, .. } = events[like].clone();
    events.push(Event { at, process, lock, what });
}
