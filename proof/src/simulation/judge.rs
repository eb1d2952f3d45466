//! What must be true of the history of a simulation.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    bug::Bug,
    plan::{Kind, Plan},
    run::patience,
};
use crate::{
    checkers::{Breach, Settings, Violation, check_all, held_when_released},
    history::{Before, Event, What},
};

/// What must not have happened.
pub(super) fn judge(history: &[Event], plan: &Plan) -> Vec<String> {
    let report = check_all(history, &settings(plan));
    let found = report.violations.iter().filter(|violation| !is_excused(violation, history));
    found.map(ToString::to_string).chain(strays(history, plan)).collect()
}

/// Whether it is none, as far as a simulation can see and the checker cannot.
fn is_excused(violation: &Violation, history: &[Event]) -> bool {
    let of_lock: Vec<&Event> = history.iter().filter(|event| event.lock == violation.lock).collect();
    let tokens = &violation.tokens;
    match violation.breach {
        Breach::ReleasedInVain => {
            tokens.iter().all(|token| held_when_released(of_lock.iter().copied(), &violation.lock, *token))
        }
        Breach::Unexplained => tokens.iter().all(|token| another_came_before_the_refusal(&of_lock, *token)),
        _ => false,
    }
}

/// A call may be refused in the end though it had the lock before, without its knowledge and for a whole lease. But then
/// somebody else has it by now: what a call itself has got is no reason to refuse it.
fn another_came_before_the_refusal(of_lock: &[&Event], untold: u64) -> bool {
    let told: BTreeSet<u64> = of_lock.iter().filter_map(|event| granted(event)).collect();
    let by = of_lock.iter().find(|event| matches!(event.what, What::Stored { token, .. } if token == untold));
    let (mut open, mut stored, mut another) = (BTreeSet::new(), false, false);
    for event in of_lock {
        match event.what {
            What::Wanted { call, limit: None } if !stored => drop(open.insert(call)),
            What::Stored { token, .. } if token == untold => stored = true,
            // Another process has it, even if that one does not know.
            What::Stored { token, .. } => {
                another |= stored && (told.contains(&token) || by.is_some_and(|by| by.process != event.process));
            }
            What::Refused { call } if another && open.contains(&call) => return true,
            What::Refused { call } | What::Granted { call, .. } | What::Abandoned { call } if !stored => {
                open.remove(&call);
            }
            _ => {}
        }
    }
    false
}

fn granted(event: &Event) -> Option<u64> {
    if let What::Granted { token, .. } = event.what { Some(token) } else { None }
}

/// Grants that nobody was told of, and that nobody gave back either. Where no more than single messages are lost, a
/// grant is recognised or withdrawn long before its end.
fn strays(history: &[Event], plan: &Plan) -> Vec<String> {
    if !plan.is_gentle() {
        return Vec::new();
    }
    let told: BTreeSet<(&str, u64)> =
        history.iter().filter_map(|event| Some((event.lock.as_str(), granted(event)?))).collect();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut found = Vec::new();
    for event in history {
        let What::Stored { token, before, .. } = event.what else { continue };
        let previous = last.insert(&event.lock, token);
        if let (Before::Ended { .. }, Some(previous)) = (before, previous)
            && !told.contains(&(event.lock.as_str(), previous))
        {
            found.push(format!("{}: the grant {previous}, of which nobody knew, was left to its end", event.lock));
        }
    }
    found
}

/// What the checkers have to know of a plan.
fn settings(plan: &Plan) -> Settings {
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    // Where requests go astray, they are repeated and withdrawn, and each time the lock may be taken for a round trip.
    let strays = !plan.kinds.iter().all(|kind| CERTAIN.contains(kind));
    Settings {
        listed_in_order: true,
        ttl: ns((plan.ttl * 2).mul_f64(1.1) + plan.skew * 2),
        grace: ns(plan.allowance * 2),
        overlap: if plan.keeps_to_allowance() { 0 } else { u64::MAX },
        tokens_per_unknown: if strays { 100 } else { 1 },
        // A lock may be handed to one who waits and whose own request is still on its way.
        tokens_per_grant: if strays { 100 } else { 1 },
        // Who looks at no deadline, or at a wrong one, hears nothing when it has passed.
        losses_are_told: !matches!(plan.bug, Some(Bug::NoDeadline | Bug::LeaseFromAnswer)),
        wait_bound: ns(patience(plan)),
        failovers: vec![Kind::FailOver.name()],
        ..Settings::default()
    }
}

/// What leaves no doubt about a request.
const CERTAIN: [Kind; 6] =
    [Kind::Refusal, Kind::ClockStep, Kind::CutNotices, Kind::SilentNotices, Kind::Kill, Kind::Cancel];
