//! How a user's wish for a lock becomes a task that waits for it.

use std::{sync::Arc, time::Duration};

use tokio::time::{self, Instant};
use tracing::Instrument;

use super::{
    Engine, Held,
    call::wish,
    no_answer, not_sent,
    place::{Place, Queued, Taken},
    queue::{LastLook, Start},
    renew::Terms,
    wait::Acquirer,
};
use crate::{
    Error, HolderInfo, LockName, Result,
    observe::{Acquire, Pending},
};

/// How long to wait for a lock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    Never,
    For {
        limit: Duration,
        /// When the limit is over. It counts from the user's call.
        deadline: Instant,
    },
    Forever,
}

impl Patience {
    pub(crate) fn limit(limit: Duration) -> Self {
        /// Longer than any process lives, and short enough for a timer.
        const AGES: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        Self::For { limit, deadline: Instant::now() + limit.min(AGES) }
    }
}

/// What is wanted, whatever becomes of the requests for it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: LockName,
    pub(crate) info: HolderInfo,
    pub(crate) terms: Terms,
}

impl Engine {
    /// Waits for its turn and for the lock. A dropped future leaves nothing behind.
    pub(crate) async fn acquire(self: &Arc<Self>, wanted: Wanted, patience: Patience) -> Result<Held> {
        self.check_process()?;
        let (wanting, wish) = wish(self);
        let place = Place::in_line(&self.lines, Acquire::new(&wanted.name, wanted.terms.ttl));
        let queued = Queued(Arc::clone(&place));
        let pending = Pending::new(&queued.0.seen, self.runtime.process());
        queued.0.report_contention(self);
        let engine = Arc::clone(self);
        let start: Start = Box::new(move || {
            let span = place.seen.span();
            let task = wanting.run(wait_in_line(Arc::clone(&engine), Taken(place), wanted, patience));
            engine.runtime.spawn(task.instrument(span));
        });
        // Who waits as long as it takes needs no task before its turn, and no timer.
        if matches!(patience, Patience::Forever) {
            queued.0.when_first(start)
        } else {
            start()
        }
        let outcome = wish.outcome().await;
        pending.ends(outcome.as_ref().map(|held| Some(held.lease())));
        outcome
    }

    /// Who holds the lock here, or held it when the first in line last got an answer.
    pub(crate) fn last_holder(&self, name: &LockName) -> Option<HolderInfo> {
        self.check_process().ok()?;
        let here = self.lines.holder_here(name).filter(|lease| lease.is_current());
        let known = here.as_ref().and_then(|lease| lease.info().cloned());
        let seen = || self.lines.in_queue(name, |queue| queue.last_holder.clone()).flatten();
        // Of a lease that began elsewhere, all that is known here is who has it now.
        known.or_else(seen).or_else(|| here.map(|_| self.info.clone()))
    }

    /// Asks once, and again only when there was no proper answer.
    pub(crate) async fn try_acquire(self: &Arc<Self>, wanted: Wanted) -> Result<Option<Held>> {
        self.check_process()?;
        let engine = Arc::clone(self);
        let (wanting, wish) = wish(self);
        let seen = Arc::new(Acquire::new(&wanted.name, wanted.terms.ttl));
        let (told, span) = (Arc::clone(&seen), seen.span());
        let pending = Pending::new(&seen, self.runtime.process());
        let task = wanting.run(async move {
            let mut acquirer = Acquirer::new(&engine, wanted, Patience::Never, &told, None)?;
            match Box::pin(acquirer.wait()).await {
                Ok(held) => Ok(Some(held)),
                Err(Error::Timeout { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        self.runtime.spawn(task.instrument(span));
        let outcome = wish.outcome().await;
        pending.ends(outcome.as_ref().map(|held| held.as_ref().map(Held::lease)));
        outcome
    }
}

async fn wait_in_line(engine: Arc<Engine>, place: Taken, wanted: Wanted, patience: Patience) -> Result<Held> {
    let (place, since) = (&*place.0, Instant::now());
    let mut acquirer = None;
    let wait = async {
        place.turn().await;
        let acquirer = acquirer.insert(Acquirer::new(&engine, wanted, patience, &place.seen, Some(place))?);
        // Boxed, so that those who only queue stay small.
        Box::pin(acquirer.wait()).await
    };
    let Patience::For { limit, deadline } = patience else { return wait.await };
    match time::timeout_at(deadline, wait).await {
        Ok(outcome) => outcome,
        Err(_) => Err(timed_out(&engine, acquirer, limit, since, place)),
    }
}

/// What a waiter whose time is over knows of the store.
struct Evidence {
    /// Whether this process holds the lock.
    held_here: bool,
    /// What the last look of its line at the lock brought.
    last_look: Option<LastLook>,
    /// Whether the store has answered any request since this waiter's was sent, or since it began to wait.
    store_answers: bool,
    /// Whether an answer could have been there by now.
    had_time: bool,
}

impl Evidence {
    /// Whether the lock was held, as far as is known; otherwise the store did not answer.
    fn is_contention(&self) -> bool {
        self.held_here
            || match self.last_look {
                Some(LastLook::Answered) => true,
                Some(LastLook::Failed) => false,
                None => self.store_answers || !self.had_time,
            }
    }
}

/// Why a waiter got nothing in its time: held by another, or no proper answer.
fn timed_out(engine: &Engine, acquirer: Option<Acquirer<'_>>, limit: Duration, since: Instant, place: &Place) -> Error {
    let asked = acquirer.as_ref().and_then(|acquirer| acquirer.unanswered_since);
    let evidence = Evidence {
        held_here: place.holder_here().is_some_and(|lease| lease.is_current()),
        last_look: place.last_look(),
        store_answers: engine.health.has_answered_since(asked.unwrap_or(since)),
        had_time: asked.unwrap_or(since).elapsed() > engine.health.usual(),
    };
    if evidence.is_contention() {
        return Error::Timeout { waited: limit, holder: engine.last_holder(&place.seen.lock) };
    }
    place.note_failure();
    match (acquirer.and_then(|acquirer| acquirer.failed), asked) {
        (Some(error), _) => error.into(),
        (None, Some(_)) => no_answer(limit).into(),
        (None, None) => not_sent(limit).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Evidence = Evidence { held_here: false, last_look: None, store_answers: false, had_time: true };

    #[test]
    fn silence_is_an_outage_only_where_nothing_else_is_known() {
        assert!(!NOTHING.is_contention());
        assert!(Evidence { store_answers: true, ..NOTHING }.is_contention());
        assert!(Evidence { had_time: false, ..NOTHING }.is_contention());
    }

    #[test]
    fn the_last_look_counts_and_a_holder_in_this_process_counts_more() {
        let failed = Evidence { last_look: Some(LastLook::Failed), store_answers: true, had_time: false, ..NOTHING };
        assert!(!failed.is_contention());
        assert!(Evidence { held_here: true, ..failed }.is_contention());
        assert!(Evidence { last_look: Some(LastLook::Answered), ..NOTHING }.is_contention());
    }
}
