//! [`Lease`]: a lease that this process was granted, its [`Belief`] in it, and who is told when it is lost.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    belief::Belief,
    renew::{Step, Terms},
    turns::Row,
};
use crate::{
    HolderInfo, LeaseKey, Loss, LossReason, Renewal,
    clock::Moment,
    observe::{self, Hold},
    process::Process,
};

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
    process: Process,
    belief: Mutex<Belief<Moment>>,
    /// Whether something may keep its renewals waiting: see [`renew_apart`](Self::renew_apart).
    apart: AtomicBool,
    lost: Notify,
    hold: Hold,
}

impl Lease {
    /// A lease that was granted by a request first sent at `sent`.
    pub(crate) fn new(key: LeaseKey, info: Option<&HolderInfo>, terms: Terms, sent: Moment, row: Row) -> Self {
        let belief = Mutex::new(Belief::new(sent, Moment::now()));
        let (process, info) = (Process::this(), info.cloned().map(Box::new));
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (apart, lost, hold) = (AtomicBool::new(false), Notify::new(), Hold::default());
        Self { number, key, terms, row, info, process, belief, apart, lost, hold }
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
        self.with(|belief| belief.valid_for(&self.terms, Moment::elapsed))
    }

    /// Whether the lock is held by this lease, or is on its way back to the store.
    pub(super) fn is_current(&self) -> bool {
        matches!(self.valid_for(), Ok(_) | Err(LossReason::Released))
    }

    /// What its record says of the holder, where that is known here.
    pub(super) fn info(&self) -> Option<&HolderInfo> {
        self.info.as_deref()
    }

    /// What is to be done now. A loss is one from here on, and nobody has been [told](Self::tell) of it yet: this is
    /// called under a lock. `eager`: see [`Terms::decide`].
    pub(crate) fn step(&self, eager: bool) -> Step {
        if self.is_a_copy() {
            return Step::Lose(LossReason::Stopped);
        }
        self.quietly(|belief| belief.step(&self.terms, Moment::elapsed, eager))
    }

    /// How long the holder may still act. Like [`step`](Self::step), it tells nobody.
    pub(crate) fn left(&self) -> Duration {
        if self.is_a_copy() {
            return Duration::ZERO;
        }
        self.quietly(|belief| belief.valid_for(&self.terms, Moment::elapsed)).unwrap_or_default()
    }

    /// Tells all who wait for the loss, if it is one. Executors may drop a task where they wake it, and so come back
    /// into the engine: not to be called under any lock of ours.
    pub(crate) fn tell(&self) {
        if let Some(reason) = self.quietly(|belief| belief.loss()) {
            self.lost.notify_waiters();
            self.hold.ends(self, reason);
        }
    }

    /// Its holder has it now, which is the moment from which on its loss is one.
    pub(crate) fn handed_out(&self) {
        self.hold.begins(self, self.quietly(|belief| belief.loss()));
    }

    /// How long it has been held.
    pub(crate) fn held_for(&self) -> Duration {
        self.quietly(|belief| belief.acquired()).elapsed()
    }

    /// How long it still runs on the server at least, if it was not given back.
    pub(crate) fn left_on_server(&self) -> Duration {
        self.terms.ttl.saturating_sub(self.quietly(|belief| belief.confirmed()).elapsed())
    }

    /// How long its holder may still act without a renewal, whatever its `max_hold`.
    pub(crate) fn margin(&self, now: Moment) -> Duration {
        let age = now.since(self.quietly(|belief| belief.confirmed()));
        (self.terms.ttl - self.terms.margin).saturating_sub(age)
    }

    /// Notes that a renewal is sent now.
    pub(crate) fn sending(&self) {
        self.with(|belief| belief.sending(Moment::now()));
    }

    pub(crate) fn renewal(&self) -> Renewal {
        Renewal { lease: self.key.clone(), ttl: self.terms.ttl }
    }

    /// The store has confirmed a request that was sent at `sent`: see [`Belief::confirm`].
    pub(crate) fn confirm(&self, sent: Moment) -> Result<(), LossReason> {
        if self.is_a_copy() {
            return Err(LossReason::Stopped);
        }
        let margin = observe::margin_of(self);
        let confirmed = self.with(|belief| belief.confirm(sent, &self.terms, Moment::elapsed));
        observe::renewed(self, margin, confirmed.is_ok());
        confirmed
    }

    /// The renewal under way has failed, and the store wants to be left alone for so long.
    pub(crate) fn renewal_failed(&self, wish: Duration) {
        self.with(|belief| belief.renewal_failed(wish));
    }

    /// Tells the holder that it is over. The first reason stays.
    pub(crate) fn lose(&self, reason: LossReason) {
        self.with(|belief| belief.lose(reason));
    }

    /// The same, and tells nobody.
    pub(crate) fn lose_quietly(&self, reason: LossReason) {
        self.quietly(|belief| belief.lose(reason));
    }

    /// From now on it is renewed by other requests than those leases that nothing keeps waiting.
    pub(crate) fn renew_apart(&self) {
        self.apart.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    /// Whether it is time for a renewal.
    pub(crate) fn is_due(&self) -> bool {
        self.quietly(|belief| belief.is_due(&self.terms, Moment::elapsed))
    }

    /// Whether the lease will have ended on the server by itself within this time.
    pub(crate) fn ends_within(&self, pause: Duration) -> bool {
        self.with(|belief| belief.ends_within(pause, &self.terms, Moment::elapsed))
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

    /// Does something with what is known, and tells of a loss that comes out by that.
    fn with<T>(&self, act: impl FnOnce(&mut Belief<Moment>) -> T) -> T {
        let (outcome, before, after) = self.quietly(|belief| {
            let before = belief.loss();
            let outcome = act(belief);
            (outcome, before, belief.loss())
        });
        if let Some(reason) = after {
            if before.is_none() {
                self.lost.notify_waiters();
            }
            self.hold.ends(self, reason);
        }
        outcome
    }

    fn quietly<T>(&self, act: impl FnOnce(&mut Belief<Moment>) -> T) -> T {
        act(&mut self.belief.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
