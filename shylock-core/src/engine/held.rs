//! [`Held`]: a lease that somebody holds. Dropping it releases the lock in the background.

use std::{future::Future, sync::Arc, time::Duration};

use super::{Engine, call::Sent, lease::Lease, release, renew::Terms, turns::Row};
use crate::{Error, HolderId, LeaseKey, LossReason, Result, clock::Moment, observe};

#[derive(Debug)]
#[must_use = "dropping it releases the lock"]
pub(crate) struct Held {
    engine: Arc<Engine>,
    lease: Arc<Lease>,
}

impl Held {
    pub(crate) fn new(engine: &Arc<Engine>, lease: Arc<Lease>) -> Self {
        engine.lines.hold(&lease);
        engine.keep(&lease);
        Self { engine: Arc::clone(engine), lease }
    }

    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Renews now, and waits for the answer or for as long as one call may take.
    pub(crate) fn renew(&self) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let (engine, lease) = (Arc::clone(&self.engine), Arc::clone(&self.lease));
        async move {
            lease.valid_for().map_err(lost)?;
            let (asked, limit) = (Arc::clone(&engine), lease.terms.call_limit);
            asked.ask(limit, |sent| async move { engine.renew_now(&lease, &sent).await?.map_err(lost) }).await
        }
    }

    /// Releases, and tells what became of it. The release goes on when the future is dropped.
    pub(crate) async fn release(self) -> Result<()> {
        self.end(release::give_back).await
    }

    /// Ends the holding; the lock comes free by itself after `rest`. Tells what became of it, as [`release`](Self::release).
    pub(crate) async fn leave(self, rest: Duration) -> Result<()> {
        self.end(|engine, lease, sent| release::leave(engine, lease, rest, sent)).await
    }

    /// Ends the holding without a release; the lease's key and length. A lost lease stays lost: its key opens nothing.
    pub(crate) fn detach(self) -> (LeaseKey, Duration) {
        let mut key = self.lease.key.clone();
        if self.lease.valid_for().is_err() {
            key.holder = HolderId::from_bytes([0; 16]);
        }
        if !self.lease.is_a_copy() {
            self.engine.forget(&self.lease);
            self.lease.lose(LossReason::Released);
            self.engine.lines.let_go(&self.lease);
            // From now on others decide when it is free: who waits here has to ask, and to listen.
            self.engine.lines.wake(&self.lease.key.name);
            observe::detached(&self.lease);
        }
        (key, self.lease.terms.ttl)
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    async fn end<F>(self, way: impl FnOnce(Arc<Engine>, Arc<Lease>, Sent) -> F) -> Result<()>
    where
        F: Future<Output = release::Outcome> + Send + 'static,
    {
        if self.lease.is_a_copy() {
            return Err(Error::Stopped);
        }
        self.engine.forget(&self.lease);
        let (engine, lease) = (Arc::clone(&self.engine), Arc::clone(&self.lease));
        let ending = |sent| {
            // The lease counts as gone from here on, not from when the task runs.
            let ending = way(engine, lease, sent);
            async move { ending.await?.map_err(lost) }
        };
        self.engine.ask(self.engine.options.call_timeout, ending).await
    }
}

impl Engine {
    /// Goes on with a lease that was detached, if the store says that it is still there.
    pub(crate) async fn resume(self: &Arc<Self>, key: LeaseKey, terms: Terms) -> Result<Held> {
        let engine = Arc::clone(self);
        let resume = |sent| async move {
            let lease = Arc::new(Lease::new(key, None, terms, Moment::now(), Row::default()));
            engine.renew_now(&lease, &sent).await?.map_err(lost)?;
            Ok(lease)
        };
        // Not before the caller has it: one that has gone may come back with the same ticket.
        let lease = self.ask(self.options.call_timeout, resume).await?;
        observe::resumed(&lease);
        Ok(Held::new(self, lease))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.lease.is_a_copy() && self.engine.forget(&self.lease) {
            release::in_background(&self.engine, Arc::clone(&self.lease));
        }
    }
}

fn lost(reason: LossReason) -> Error {
    Error::Lost { reason }
}
