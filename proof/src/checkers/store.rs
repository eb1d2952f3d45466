//! CK-S: the store grants nothing that is another's, by its own account.

use super::{
    run::{Lock, Run, Stored},
    violation::{Breach, Violation},
};
use crate::history::Before;

const MILLISECOND: u64 = 1_000_000;

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (&name, lock) in &run.locks {
        let mut before: Option<Stored> = None;
        for &stored in &lock.stored {
            let mut report = |breach| found.push(violation(breach, name, before, stored));
            if stored.ends <= stored.granted {
                report(Breach::EmptyLease);
            }
            if before.is_some_and(|before| stored.token <= before.token) {
                report(Breach::StoredTokenFell);
            }
            if !follows_the_rule(before, stored) {
                report(Breach::TokenRule);
            }
            match stored.before {
                Before::Ended { at } if early(at, stored.granted, run.settings.grace) => report(Breach::TakenEarly),
                Before::Nothing if before.is_some() && !run.settings.records_may_vanish => report(Breach::Vanished),
                _ => {}
            }
            if let (Before::Ended { at }, Some(before)) = (stored.before, before)
                && at < before.ends
                && known(lock, before.token)
            {
                report(Breach::Shortened);
            }
            before = Some(stored);
        }
    }
    found
}

fn violation(breach: Breach, name: &str, before: Option<Stored>, stored: Stored) -> Violation {
    let tokens: Vec<u64> = before.iter().map(|before| before.token).chain([stored.token]).collect();
    let end = match stored.before {
        Before::Ended { at } => Some(at),
        _ => before.map(|before| before.ends),
    };
    let times: Vec<u64> = end.into_iter().chain([stored.granted, stored.ends]).collect();
    Violation::new(breach, name, 0, &tokens, &times)
}

/// Where the record is gone, only the clock is left to follow.
fn follows_the_rule(before: Option<Stored>, stored: Stored) -> bool {
    let by_clock = stored.granted.saturating_mul(1024).max(1);
    match (stored.before, before) {
        (Before::Nothing, _) => stored.token == by_clock,
        (_, Some(before)) => stored.token == by_clock.max(before.token.saturating_add(1)),
        // The account began later than the record.
        (_, None) => stored.token >= by_clock,
    }
}

fn early(end: u64, granted: u64, grace: u64) -> bool {
    granted.saturating_mul(MILLISECOND) < end.saturating_mul(MILLISECOND).saturating_add(grace)
}

/// Whether somebody was told of this grant. One that nobody was told of may be withdrawn by a shorter lease.
fn known(lock: &Lock, token: u64) -> bool {
    lock.told.contains_key(&token)
}
