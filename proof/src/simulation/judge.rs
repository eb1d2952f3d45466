//! What must be true of the history of a simulation.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    plan::{Kind, Plan},
    run::patience,
};
use crate::{
    checkers::{Breach, Settings, Violation, check_all},
    history::{Before, Event, What},
};

/// What must not have happened.
pub(super) fn judge(history: &[Event], plan: &Plan) -> Vec<String> {
    let report = check_all(history, &settings(plan));
    let found = report.violations.iter().filter(|violation| !is_excused(violation, history));
    found.map(ToString::to_string).chain(strays(history, plan)).collect()
}

/// A release whose first try may have freed the lock, and whose next ones came when another had it, is told as a release:
/// nobody else had the lock while its holder acted. The checker, which cannot see the tries, takes the end of the lease
/// for a loss.
fn is_excused(violation: &Violation, history: &[Event]) -> bool {
    violation.breach == Breach::ReleasedInVain && violation.tokens.iter().all(|token| held_when_released(history, &violation.lock, *token))
}

fn held_when_released(history: &[Event], lock: &str, released: u64) -> bool {
    let mut last = false;
    for event in history.iter().filter(|event| event.lock == lock) {
        match event.what {
            What::Asked { token, held, .. } if token == released => last = held,
            What::Releasing { token } if token == released => return last,
            _ => {}
        }
    }
    false
}

/// What only loses single messages, and tells so soon.
const GENTLE: [Kind; 5] =
    [Kind::LostRequest, Kind::LostReply, Kind::Cancel, Kind::CutNotices, Kind::SilentNotices];

/// Grants that nobody was told of, and that nobody gave back either. Where no more than single messages are lost, a
/// grant is recognised or withdrawn long before its end.
fn strays(history: &[Event], plan: &Plan) -> Vec<String> {
    if !plan.kinds.iter().all(|kind| GENTLE.contains(kind)) {
        return Vec::new();
    }
    let granted = |event: &Event| if let What::Granted { token, .. } = event.what { Some(token) } else { None };
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
        tokens_per_grant: if strays { 100 } else { 0 },
        wait_bound: ns(patience(plan)),
        failovers: vec![Kind::FailOver.name()],
        ..Settings::default()
    }
}

/// What leaves no doubt about a request.
const CERTAIN: [Kind; 6] =
    [Kind::Refusal, Kind::ClockStep, Kind::CutNotices, Kind::SilentNotices, Kind::Kill, Kind::Cancel];
