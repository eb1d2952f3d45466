//! CK-G, second half: no lock stays held when its holder is gone.
//!
//! It shows in those who wait: whoever waited for longer than the rest of the lease, the grace and one poll, and got the
//! lock only then, or never.

use std::collections::HashMap;

use super::{
    grants::{unknown, untold},
    run::{Call, Grant, Lock, Run},
    violation::{Breach, Violation},
};

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (&name, lock) in &run.locks {
        let successors = successors(run, lock);
        for (token, gone) in gone(run, lock) {
            let free = gone.saturating_add(run.settings.ttl).saturating_add(run.settings.grace);
            let next = match successors.get(&token) {
                Some(Next::Granted(grant)) => Some(*grant),
                // That one's holder is gone, too, and counts for itself.
                Some(Next::Untold) => continue,
                None => None,
            };
            let waited = match next {
                Some(next) => (next.at.0 > gone).then_some((next.process, next.wanted.0, next.at.0)),
                None => longest_wait(run, lock, free),
            };
            let Some((process, from, to)) = waited else { continue };
            let too_long = to > free.max(from).saturating_add(run.settings.poll);
            if too_long && !run.disturbed(gone, to) && !run.paused(process, from, to) {
                found.push(Violation::new(Breach::LeftHeld, name, process, &[token], &[gone, from, to]));
            }
        }
    }
    found
}

enum Next {
    Granted(Grant),
    Untold,
}

/// What came after each token, by the store's account if there is one.
fn successors(run: &Run<'_>, lock: &Lock) -> HashMap<u64, Next> {
    if !run.settings.stored {
        return lock.grants.windows(2).map(|pair| (pair[0].token, Next::Granted(pair[1]))).collect();
    }
    let by_token: HashMap<u64, Grant> = lock.grants.iter().map(|grant| (grant.token, *grant)).collect();
    let next = |token: u64| by_token.get(&token).map_or(Next::Untold, |grant| Next::Granted(*grant));
    lock.stored.windows(2).map(|pair| (pair[0].token, next(pair[1].token))).collect()
}

/// The tokens whose holders went away without giving them back, and when that was.
fn gone(run: &Run<'_>, lock: &Lock) -> Vec<(u64, u64)> {
    let killed = lock.grants.iter().filter(|grant| !lock.releasing.contains_key(&grant.token));
    let mut gone: Vec<(u64, u64)> =
        killed.filter_map(|grant| Some((grant.token, run.killed(grant.process)?.max(grant.at.0)))).collect();
    if run.settings.stored {
        gone.extend(given_up(run, lock));
    }
    gone
}

/// The same for grants that nobody was told of. Which call it was is not known, so it counts as the one that ended last of
/// those that had begun by then. If one of them is still open, it may be the holder: that it got no answer is for CK-L
/// to say.
fn given_up(run: &Run<'_>, lock: &Lock) -> Vec<(u64, u64)> {
    let calls = lock.calls.iter().map(|&call| &run.calls[call]).filter(|call| unknown(call) || call.granted());
    let mut begun = calls.peekable();
    let mut ended = 0;
    untold(lock)
        .into_iter()
        .map(|(token, at)| {
            while let Some(call) = begun.next_if(|call| call.begin().is_some_and(|begin| begin.0 <= at)) {
                if unknown(call) || run.settings.tokens_per_grant > 0 {
                    ended = ended.max(end(run, call));
                }
            }
            (token, ended)
        })
        .collect()
}

/// The call that waited longest after this time; there was no grant any more.
fn longest_wait(run: &Run<'_>, lock: &Lock, free: u64) -> Option<(u32, u64, u64)> {
    let calls = lock.calls.iter().map(|&call| &run.calls[call]).filter(|call| !call.granted());
    let waits = calls.filter_map(|call| Some((call.process, call.begin()?.0, end(run, call))));
    let awake = waits.filter(|(process, from, to)| !run.paused(*process, *from, *to));
    awake.max_by_key(|(_, from, to)| to.saturating_sub(free.max(*from)))
}

fn end(run: &Run<'_>, call: &Call<'_>) -> u64 {
    let answer = call.end().map_or(run.last, |(end, _)| end.0);
    run.killed(call.process).map_or(answer, |killed| killed.min(answer))
}
