//! How much there was to check: a run in which nothing happened proves nothing.

use std::{collections::BTreeMap, fmt};

use super::{
    grants::{unknown, untold},
    run::{End, Lock, Run},
};
use crate::history::What;

/// How much happened in a run. Times are in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Events.
    pub events: usize,
    /// Locks.
    pub locks: usize,
    /// Grants that brought a guard.
    pub grants: usize,
    /// Calls that were refused.
    pub refused: usize,
    /// Writes that the resource accepted.
    pub accepted: usize,
    /// Writes that it refused since they were stale.
    pub fenced: usize,
    /// Calls whose outcome nobody knows: they failed, or were dropped.
    pub unknown: usize,
    /// Grants that no guard stands for.
    pub untold: usize,
    /// Those calls whose outcome is known by now: they brought no grant, or one that was freed or taken over later. 0
    /// without the store's account.
    pub resolved: usize,
    /// Losses that were told.
    pub lost: usize,
    /// Processes killed.
    pub killed: usize,
    /// Pauses.
    pub paused: usize,
    /// Faults by kind.
    pub faults: BTreeMap<String, usize>,
    /// Faults that made another server the primary.
    pub failovers: usize,
    /// The longest time without a grant of any lock, between two.
    pub longest_gap: u64,
    /// How long it took from each kill of a holder to the next grant, where somebody waited already. In order.
    pub takeovers: Vec<u64>,
}

impl Summary {
    /// The take-over time that this many of a hundred do not exceed, if there was one.
    #[must_use]
    pub fn takeover(&self, percent: usize) -> Option<u64> {
        let rank = (self.takeovers.len() * percent).div_ceil(100);
        self.takeovers.get(rank.saturating_sub(1)).copied()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} locks, {} grants, {} refused", self.events, self.locks, self.grants, self.refused)?;
        writeln!(f, "{} writes accepted, {} fenced off, {} losses told", self.accepted, self.fenced, self.lost)?;
        let Self { unknown, resolved, untold, .. } = self;
        writeln!(f, "{unknown} unknown outcomes, {resolved} resolved; {untold} grants without a guard")?;
        writeln!(
            f,
            "{} kills, {} pauses, {} fail-overs, faults {:?}",
            self.killed, self.paused, self.failovers, self.faults
        )?;
        writeln!(f, "longest gap between grants {} ms", self.longest_gap / 1_000_000)?;
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.takeover(percent).map(|time| time / 1_000_000));
        write!(f, "{} take-overs after a kill, in ms: p50 {p50:?}, p99 {p99:?}, max {max:?}", self.takeovers.len())
    }
}

pub(crate) fn of(run: &Run<'_>) -> Summary {
    let mut summary = Summary { events: run.events.len(), locks: run.locks.len(), ..Summary::default() };
    for (_, event) in &run.events {
        match &event.what {
            What::Granted { .. } => summary.grants += 1,
            What::Refused { .. } => summary.refused += 1,
            What::Accepted { .. } => summary.accepted += 1,
            What::Fenced { .. } => summary.fenced += 1,
            What::Failed { .. } | What::Abandoned { .. } => summary.unknown += 1,
            What::Lost { .. } => summary.lost += 1,
            What::Killed => summary.killed += 1,
            What::Paused => summary.paused += 1,
            What::Fault { kind, .. } => {
                *summary.faults.entry(kind.clone()).or_default() += 1;
                summary.failovers += usize::from(run.settings.failovers.contains(kind));
            }
            _ => {}
        }
    }
    summary.longest_gap = longest_gap(run);
    summary.untold = run.locks.values().map(|lock| untold(lock).len()).sum();
    if run.settings.stored {
        let open: usize = run.locks.values().map(|lock| unresolved(run, lock)).sum();
        summary.resolved = summary.unknown.saturating_sub(open);
    }
    summary.takeovers = run.locks.values().flat_map(|lock| takeovers(run, lock)).collect();
    summary.takeovers.sort_unstable();
    summary
}

/// Only the last grant of a lock may still be alive.
fn unresolved(run: &Run<'_>, lock: &Lock) -> usize {
    let last_is_untold = lock.stored.last().is_some_and(|stored| !lock.told.contains_key(&stored.token));
    let failed = |call: &usize| {
        let call = &run.calls[*call];
        unknown(call) && matches!(call.end(), Some((_, End::Failed | End::Abandoned)))
    };
    usize::from(last_is_untold && lock.calls.iter().any(failed))
}

fn longest_gap(run: &Run<'_>) -> u64 {
    let granted = run.events.iter().filter(|(_, event)| matches!(event.what, What::Granted { .. }));
    let times: Vec<u64> = granted.map(|(at, _)| at.0).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
}

fn takeovers(run: &Run<'_>, lock: &Lock) -> Vec<u64> {
    let mut times = Vec::new();
    for pair in lock.grants.windows(2) {
        let [holder, next] = pair else { continue };
        let Some(killed) = run.killed(holder.process) else { continue };
        let held = !lock.releasing.contains_key(&holder.token) && killed >= holder.at.0;
        if held && next.at.0 >= killed && next.wanted.0 <= killed {
            times.push(next.at.0 - killed);
        }
    }
    times
}
