//! CK-L, first half: once nothing is disturbed any more, who waits gets an answer.

use super::{
    run::Run,
    violation::{Breach, Violation},
};

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let Some(healed) = run.healed else { return Vec::new() };
    let mut found = Vec::new();
    for call in &run.calls {
        let Some(begin) = call.begin().map(|begin| begin.0) else { continue };
        let since = begin.max(healed);
        let end = call.end().map(|(end, _)| end.0);
        if end.is_some_and(|end| end < healed) || (end.is_none() && run.killed(call.process).is_some()) {
            continue;
        }
        let latest = match call.limit() {
            Some(limit) => begin.saturating_add(limit).max(healed).saturating_add(run.settings.slack),
            None => since.saturating_add(run.settings.wait_bound),
        };
        let breach = match end {
            None => Breach::Unanswered,
            Some(end) if end > latest && !run.paused(call.process, since, end) => Breach::AnsweredLate,
            Some(_) => continue,
        };
        let tokens: Vec<u64> = call.token().into_iter().collect();
        let times = [begin, latest, end.unwrap_or(run.last)];
        found.push(Violation::new(breach, call.lock, call.process, &tokens, &times));
    }
    found
}
