//! CK-G, first half: the store's account and the holders' agree, up to calls whose outcome nobody knows.

use super::{
    run::{Call, End, Lock, Run},
    violation::{Breach, Violation},
};

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if !run.settings.stored {
        return found;
    }
    for (&name, lock) in &run.locks {
        let stored: std::collections::HashSet<u64> = lock.stored.iter().map(|stored| stored.token).collect();
        for grant in lock.grants.iter().filter(|grant| !stored.contains(&grant.token)) {
            found.push(Violation::new(Breach::NotStored, name, grant.process, &[grant.token], &[grant.at.0]));
        }
        let explained = explanations(run, lock);
        let tokens = untold(lock).into_iter().zip(explained);
        found.extend(
            tokens
                .filter(|(_, explained)| !explained)
                .map(|((token, at), _)| Violation::new(Breach::Unexplained, name, 0, &[token], &[at])),
        );
    }
    found
}

/// The grants that nobody was told of, in the store's order, each with the latest time at which it can have been made:
/// when it was written down, or a later one was made known.
pub(crate) fn untold(lock: &Lock) -> Vec<(u64, u64)> {
    let mut latest = u64::MAX;
    let mut untold = Vec::new();
    for stored in lock.stored.iter().rev() {
        latest = latest.min(stored.at);
        match lock.told.get(&stored.token) {
            Some(&told) => latest = latest.min(told),
            None => untold.push((stored.token, latest)),
        }
    }
    untold.reverse();
    untold
}

/// For each of the grants that nobody was told of, whether there is a call left that may have brought it: one that had
/// begun by then, and explains no other.
fn explanations(run: &Run<'_>, lock: &Lock) -> Vec<bool> {
    let mut begun = lock.calls.iter().map(|&call| &run.calls[call]).peekable();
    let mut spare = 0;
    let times = untold(lock).into_iter().map(|(_, at)| at);
    times
        .map(|at| {
            while let Some(call) = begun.next_if(|call| call.begin().is_some_and(|begin| begin.0 <= at)) {
                spare += may_explain(run, call);
            }
            let explained = spare > 0;
            spare -= usize::from(explained);
            explained
        })
        .collect()
}

/// How many grants that nobody was told of this call may have brought.
fn may_explain(run: &Run<'_>, call: &Call<'_>) -> usize {
    if call.granted() {
        run.settings.tokens_per_grant
    } else if unknown(call) {
        run.settings.tokens_per_unknown
    } else {
        0
    }
}

/// Whether nobody knows what this call brought: it failed, was dropped, gave up when its time was up, or never ended.
pub(crate) fn unknown(call: &Call<'_>) -> bool {
    match (call.end(), call.begin(), call.limit()) {
        (Some((end, End::Refused)), Some(begin), Some(limit)) => end.0.saturating_sub(begin.0) >= limit,
        (Some((_, End::Refused | End::Granted(_))), _, _) => false,
        (Some((_, End::Failed | End::Abandoned)) | None, _, _) => true,
    }
}
