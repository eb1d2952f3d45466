//! CK-B: no two holders believe in their leases at one time.
//!
//! A guard that says `held` is the only proof of a belief. So a belief begins with the grant and ends with the last such
//! word before the guard is given back: a process that stands still believes nothing in the meantime.

use std::collections::{BTreeMap, HashMap};

use super::{
    run::{Instant, Run},
    violation::{Breach, Violation},
};
use crate::history::What;

#[derive(Debug, Clone, Copy)]
struct Belief {
    process: u32,
    token: u64,
    from: Instant,
    to: Option<Instant>,
    over: bool,
}

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, mut beliefs) in beliefs(run) {
        beliefs.sort_by_key(|belief| belief.from);
        let mut longest: Option<(Belief, Instant)> = None;
        for belief in beliefs {
            let Some(to) = belief.to else { continue };
            if let Some((other, end)) = longest
                && overlap(run, end, belief.from)
            {
                let (tokens, times) = ([other.token, belief.token], [other.from.0, end.0, belief.from.0, to.0]);
                found.push(Violation::new(Breach::BeliefsOverlap, name, belief.process, &tokens, &times));
            }
            longest = longest.filter(|(_, end)| *end >= to).or(Some((belief, to)));
        }
    }
    found
}

fn beliefs<'a>(run: &Run<'a>) -> BTreeMap<&'a str, Vec<Belief>> {
    let mut places: HashMap<(u32, &str, u64), usize> = HashMap::new();
    let mut beliefs: BTreeMap<&str, Vec<Belief>> = BTreeMap::new();
    for &(at, event) in &run.events {
        let token = match event.what {
            What::Granted { token, .. } | What::Asked { token, held: true, .. } | What::Releasing { token } => token,
            _ => continue,
        };
        let process = event.process;
        let of_lock = beliefs.entry(event.lock.as_str()).or_default();
        let place = *places.entry((process, event.lock.as_str(), token)).or_insert_with(|| {
            of_lock.push(Belief { process, token, from: at, to: None, over: false });
            of_lock.len() - 1
        });
        let belief = &mut of_lock[place];
        match event.what {
            What::Asked { .. } if !belief.over && run.killed(process).is_none_or(|killed| at.0 <= killed) => {
                belief.to = Some(at);
            }
            What::Releasing { .. } => belief.over = true,
            _ => {}
        }
    }
    beliefs
}

fn overlap(run: &Run<'_>, end: Instant, from: Instant) -> bool {
    let allowed = run.settings.overlap;
    if allowed == 0 { from < end } else { end.0.saturating_sub(from.0) > allowed }
}
