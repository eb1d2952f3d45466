//! CK-C: no call takes longer than its time, but for those whose process stood still.

use super::{
    run::Run,
    violation::{Breach, Violation},
};
use crate::history::What;

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, event) in &run.events {
        if let What::Took { limit, time, .. } = event.what {
            let (from, to) = (at.0.saturating_sub(time), at.0);
            if time > limit.saturating_add(run.settings.slack) && !run.paused(event.process, from, to) {
                found.push(Violation::new(Breach::TookTooLong, &event.lock, event.process, &[], &[from, to, limit]));
            }
        }
    }
    for call in &run.calls {
        let (Some(begin), Some((end, _)), Some(limit)) = (call.begin(), call.end(), call.limit()) else { continue };
        let (from, to) = (begin.0, end.0);
        let latest = from.saturating_add(limit).saturating_add(run.settings.slack);
        if to > latest && !run.paused(call.process, from, to) {
            let tokens: Vec<u64> = call.token().into_iter().collect();
            found.push(Violation::new(Breach::WaitedTooLong, call.lock, call.process, &tokens, &[from, latest, to]));
        }
    }
    found
}
