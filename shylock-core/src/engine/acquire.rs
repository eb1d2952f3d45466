//! How a user's wish for a lock becomes a task that waits for it.

use std::{sync::Arc, time::Duration};

use tokio::time;
use tracing::Instrument;

use super::{
    Engine, Held,
    call::wish,
    no_answer,
    place::{Place, Queued, Taken},
    queue::Start,
    renew::Terms,
    wait::Asker,
};
use crate::{
    Error, HolderInfo, LockName, Result,
    observe::{Acquire, Pending},
};

/// How long to wait for a lock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    Never,
    For(Duration),
    Forever,
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
        queued.0.tell_of_contention();
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

    /// Asks once, and again only when there was no proper answer.
    pub(crate) async fn try_acquire(self: &Arc<Self>, wanted: Wanted) -> Result<Option<Held>> {
        self.check_process()?;
        let limit = self.options.call_timeout;
        let engine = Arc::clone(self);
        let (wanting, wish) = wish(self);
        let seen = Arc::new(Acquire::new(&wanted.name, wanted.terms.ttl));
        let (told, span) = (Arc::clone(&seen), seen.span());
        let pending = Pending::new(&seen, self.runtime.process());
        let task = wanting.run(async move {
            let mut asker = Asker::new(&engine, wanted, Patience::Never, &told, None)?;
            let outcome = time::timeout(limit, Box::pin(asker.wait())).await;
            match outcome {
                Ok(Ok(held)) => Ok(Some(held)),
                Ok(Err(Error::Timeout { .. })) => Ok(None),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(asker.failed.take().unwrap_or_else(|| no_answer(limit)).into()),
            }
        });
        self.runtime.spawn(task.instrument(span));
        let outcome = wish.outcome().await;
        pending.ends(outcome.as_ref().map(|held| held.as_ref().map(Held::lease)));
        outcome
    }
}

async fn wait_in_line(engine: Arc<Engine>, place: Taken, wanted: Wanted, patience: Patience) -> Result<Held> {
    let place = &*place.0;
    let mut asker = None;
    let wait = async {
        place.turn().await;
        let asker = asker.insert(Asker::new(&engine, wanted, patience, &place.seen, Some(place))?);
        // Boxed, so that those who only queue stay small.
        Box::pin(asker.wait()).await
    };
    let Patience::For(limit) = patience else { return wait.await };
    let outcome = time::timeout(limit, wait).await;
    outcome.unwrap_or_else(|_| Err(timed_out(asker, limit, place)))
}

/// Why a waiter got nothing in its time: held by another, or no proper answer.
fn timed_out(asker: Option<Asker<'_>>, limit: Duration, place: &Place) -> Error {
    match asker {
        Some(Asker { failed: Some(error), .. }) => error.into(),
        Some(Asker { answered: false, .. }) => no_answer(limit).into(),
        _ => Error::Timeout { waited: limit, holder: place.last_holder() },
    }
}
