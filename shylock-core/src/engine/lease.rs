//! [`Lease`]: what this process knows of a lease that it was granted. Once lost, it is lost for good.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    renew::{Step, Terms, Trying, View},
    turns::Row,
};
use crate::{HolderInfo, LeaseKey, Loss, LossReason, Renewal, clock::Moment, process::Process};

static NUMBERS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct Lease {
    /// In the order in which this process came by its leases.
    pub(super) number: u64,
    pub(crate) key: LeaseKey,
    pub(crate) terms: Terms,
    /// The hand-offs by which it came.
    pub(crate) row: Row,
    /// What its record says of the holder; unknown of one that began elsewhere.
    info: Option<Box<HolderInfo>>,
    acquired: Moment,
    process: Process,
    state: Mutex<State>,
    lost: Notify,
}

#[derive(Debug)]
struct State {
    /// When the request was sent whose answer last confirmed the lease.
    confirmed: Moment,
    trying: Option<Try>,
    loss: Option<LossReason>,
}

#[derive(Debug)]
struct Try {
    sent: Moment,
    failures: u32,
    under_way: bool,
    wish: Duration,
}

impl Lease {
    /// A lease that was granted by a request first sent at `sent`.
    pub(crate) fn new(key: LeaseKey, info: Option<&HolderInfo>, terms: Terms, sent: Moment, row: Row) -> Self {
        let state = Mutex::new(State { confirmed: sent, trying: None, loss: None });
        let (acquired, process, info) = (Moment::now(), Process::this(), info.cloned().map(Box::new));
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self { number, key, terms, row, info, acquired, process, state, lost: Notify::new() }
    }

    /// Whether this is a forked child's copy of a lease that its parent holds.
    pub(crate) fn is_a_copy(&self) -> bool {
        self.process.is_another()
    }

    /// How long the holder may still act, or why it may not.
    pub(crate) fn valid_for(&self) -> Result<Duration, LossReason> {
        if self.is_a_copy() {
            return Err(LossReason::Stopped);
        }
        let mut state = self.state();
        if let Some(reason) = state.loss {
            return Err(reason);
        }
        let verdict = self.terms.valid_for(state.confirmed.elapsed(), self.acquired.elapsed());
        verdict.inspect_err(|reason| self.set_lost(&mut state, *reason))
    }

    /// Who the record says that the holder is, as long as the lease is good.
    pub(crate) fn holder(&self) -> Option<HolderInfo> {
        self.valid_for().ok().and(self.info.as_deref().cloned())
    }

    /// What is to be done now; a loss is done with that. `eager`: see [`Terms::decide`].
    pub(crate) fn step(&self, eager: bool) -> Step {
        if self.is_a_copy() {
            return Step::Lose(LossReason::Stopped);
        }
        let mut state = self.state();
        if let Some(reason) = state.loss {
            return Step::Lose(reason);
        }
        let view = View {
            confirmed: state.confirmed.elapsed(),
            held: self.acquired.elapsed(),
            trying: state.trying.as_ref().map(|t| Trying {
                sent: t.sent.elapsed(),
                failures: t.failures,
                under_way: t.under_way,
                wish: t.wish,
            }),
        };
        let step = self.terms.decide(&view, eager);
        if let Step::Lose(reason) = step {
            self.set_lost(&mut state, reason);
        }
        step
    }

    /// Notes that a renewal is sent now.
    pub(crate) fn sending(&self) {
        let mut state = self.state();
        let failures = state.trying.as_ref().map_or(0, |t| t.failures + u32::from(t.under_way));
        state.trying = Some(Try { sent: Moment::now(), failures, under_way: true, wish: Duration::ZERO });
    }

    pub(crate) fn renewal(&self) -> Renewal {
        Renewal { lease: self.key.clone(), ttl: self.terms.ttl }
    }

    /// The store has confirmed a request that was sent at `sent`. Too late is too late: nothing revives a lease
    /// whose holder was, or could have been, told that it is lost.
    pub(crate) fn confirm(&self, sent: Moment) -> Result<(), LossReason> {
        self.valid_for()?;
        let mut state = self.state();
        if sent.elapsed() < state.confirmed.elapsed() {
            state.confirmed = sent;
            state.trying = None;
        }
        Ok(())
    }

    /// The renewal under way has failed, and the store wants to be left alone for so long.
    pub(crate) fn renewal_failed(&self, wish: Duration) {
        if let Some(t) = self.state().trying.as_mut().filter(|t| t.under_way) {
            t.failures += 1;
            t.under_way = false;
            t.wish = wish;
        }
    }

    /// Tells the holder that it is over. The first reason stays.
    pub(crate) fn lose(&self, reason: LossReason) {
        self.set_lost(&mut self.state(), reason);
    }

    /// Whether the lease will have ended on the server by itself within this time.
    pub(crate) fn ends_within(&self, pause: Duration) -> bool {
        self.state().confirmed.elapsed() + pause >= self.terms.ttl
    }

    /// Resolves when the lease is lost.
    pub(crate) fn lost(self: &Arc<Self>) -> impl Future<Output = Loss> + Send + 'static {
        let lease = Arc::clone(self);
        async move {
            loop {
                let told = lease.lost.notified();
                if let Err(reason) = lease.valid_for() {
                    return Loss::new(reason);
                }
                told.await;
            }
        }
    }

    fn set_lost(&self, state: &mut State, reason: LossReason) {
        if state.loss.is_none() {
            state.loss = Some(reason);
            self.lost.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
