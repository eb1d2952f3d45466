//! CK-T: tokens are distinct, and grow in real time.

use super::{
    run::{Grant, Run},
    violation::{Breach, Violation},
};

/// Tokens stay below 2^53, so that they survive JSON.
const BOUND: u64 = 1 << 53;

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (&name, lock) in &run.locks {
        distinct(name, &lock.grants, &mut found);
        growing(name, &lock.grants, &mut found);
        let impossible = lock.grants.iter().filter(|grant| grant.token == 0 || grant.token >= BOUND);
        found.extend(
            impossible.map(|grant| {
                Violation::new(Breach::TokenImpossible, name, grant.process, &[grant.token], &[grant.at.0])
            }),
        );
    }
    found
}

fn distinct(name: &str, grants: &[Grant], found: &mut Vec<Violation>) {
    let mut by_token: Vec<&Grant> = grants.iter().collect();
    by_token.sort_by_key(|grant| grant.token);
    for pair in by_token.windows(2).filter(|pair| pair[0].token == pair[1].token) {
        let times = [pair[0].at.0, pair[1].at.0];
        found.push(Violation::new(Breach::TokenTwice, name, pair[1].process, &[pair[1].token], &times));
    }
}

/// Compares each grant with the largest token that was known before it was asked for.
fn growing(name: &str, grants: &[Grant], found: &mut Vec<Violation>) {
    let mut by_wanted: Vec<&Grant> = grants.iter().collect();
    by_wanted.sort_by_key(|grant| grant.wanted);
    let mut made = grants.iter().peekable();
    let mut largest: Option<&Grant> = None;
    for grant in by_wanted {
        while let Some(before) = made.next_if(|before| before.at < grant.wanted) {
            largest = largest.filter(|largest| largest.token >= before.token).or(Some(before));
        }
        if let Some(before) = largest.filter(|before| before.token > grant.token) {
            let times = [before.at.0, grant.wanted.0, grant.at.0];
            let tokens = [before.token, grant.token];
            found.push(Violation::new(Breach::TokenFell, name, grant.process, &tokens, &times));
        }
    }
}
