//! CK-O: a call ends once, and means what it says.

use std::collections::{HashMap, HashSet};

use super::{
    run::{Call, Run},
    violation::{Breach, Violation},
};
use crate::history::{Answer, Before, What};

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found: Vec<Violation> = run.calls.iter().filter_map(|call| call_ends_once(run, call)).collect();
    uses(run, &mut found);
    releases(run, &mut found);
    found
}

fn call_ends_once(run: &Run<'_>, call: &Call<'_>) -> Option<Violation> {
    let begin = call.begin();
    let killed = run.killed(call.process);
    let breach = match (call.begins.len(), call.ends.len()) {
        (0, _) => Breach::NotWanted,
        (1, 0) if killed.is_none_or(|killed| begin.is_some_and(|begin| killed < begin.0)) => Breach::NeverEnded,
        (1, 0) => return None,
        (1, 1) if call.end().map(|(end, _)| end) < begin => Breach::NotWanted,
        (1, 1) => return None,
        (1, _) => Breach::EndedTwice,
        _ => Breach::WantedTwice,
    };
    let times: Vec<u64> =
        call.begins.iter().copied().chain(call.ends.iter().map(|(at, _)| *at)).map(|at| at.0).collect();
    let tokens: Vec<u64> = call.token().into_iter().collect();
    Some(Violation::new(breach, call.lock, call.process, &tokens, &times))
}

/// Finds who acts under a token that it was not granted: a call that failed or was refused must not be one that holds.
fn uses(run: &Run<'_>, found: &mut Vec<Violation>) {
    let mut granted: HashMap<(u32, &str, u64), u64> = HashMap::new();
    for (name, lock) in &run.locks {
        for grant in &lock.grants {
            granted.entry((grant.process, name, grant.token)).or_insert(grant.at.0);
        }
    }
    let mut reported = HashSet::new();
    for &(at, event) in &run.events {
        let (What::Asked { token, .. }
        | What::Lost { token, .. }
        | What::Releasing { token }
        | What::Released { token, .. }
        | What::Writing { token, .. }) = event.what
        else {
            continue;
        };
        let user = (event.process, event.lock.as_str(), token);
        let allowed = granted.get(&user).is_some_and(|granted| *granted <= at.0);
        if !allowed && reported.insert(user) {
            found.push(Violation::new(Breach::UsedUngranted, &event.lock, event.process, &[token], &[at.0]));
        }
    }
}

fn releases(run: &Run<'_>, found: &mut Vec<Violation>) {
    let mut ended = HashMap::new();
    for (&name, lock) in &run.locks {
        for pair in lock.stored.windows(2) {
            if let Before::Ended { at } = pair[1].before {
                ended.insert((name, pair[0].token), at);
            }
        }
    }
    let mut released: HashMap<(&str, u64), u64> = HashMap::new();
    for &(at, event) in &run.events {
        let What::Released { token, answer } = event.what else { continue };
        let name = event.lock.as_str();
        let mut report = |breach, times: &[u64]| {
            found.push(Violation::new(breach, name, event.process, &[token], times));
        };
        let releasing = run.locks.get(name).and_then(|lock| lock.releasing.get(&token));
        if releasing.is_none_or(|releasing| *releasing > at.0) {
            report(Breach::ReleasedUnasked, &[at.0]);
        }
        if answer != Answer::Released {
            continue;
        }
        if let Some(before) = released.insert((name, token), at.0) {
            report(Breach::ReleasedTwice, &[before, at.0]);
        }
        if let Some(end) = ended.get(&(name, token)) {
            report(Breach::ReleasedInVain, &[at.0, *end]);
        }
    }
}
