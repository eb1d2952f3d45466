//! The task of a manager that renews its leases and tells their holders of a loss. It runs while there are leases
//! to look after, and never waits for a store itself.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::{Engine, lease::Lease, renew::Step};
use crate::{BackendError, LossReason, RenewOutcome, clock::Moment};

/// The most leases that one request renews.
const BATCH: usize = 1000;
/// The keeper looks at least this often whether the machine was suspended, which its timers do not notice.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// Timers that lag this far behind `CLOCK_BOOTTIME` have slept.
const SUSPENDED: Duration = Duration::from_millis(100);

/// The leases of one manager.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    table: Mutex<Table>,
    sooner: Notify,
}

#[derive(Debug, Default)]
struct Table {
    leases: HashMap<Id, Entry>,
    /// When to look at each lease next.
    due: BTreeSet<(Instant, Id)>,
    /// The keeper at work, by its number: one that has ended must not speak for the one that came after it.
    keeper: Option<u64>,
    keepers: u64,
}

#[derive(Debug)]
struct Entry {
    lease: Arc<Lease>,
    /// `None`: it is lost, and there is nothing more to do for it.
    due: Option<Instant>,
}

/// The address of a lease: its own as long as the table holds it.
type Id = usize;

fn id(lease: &Arc<Lease>) -> Id {
    Arc::as_ptr(lease).addr()
}

impl Engine {
    /// Looks after a lease from now on.
    pub(crate) fn keep(self: &Arc<Self>, lease: &Arc<Lease>) {
        let mut table = self.leases.table();
        table.leases.insert(id(lease), Entry { lease: Arc::clone(lease), due: None });
        table.look_at(id(lease), Some(Instant::now()));
        if table.keeper.is_some() {
            self.leases.sooner.notify_one();
        } else {
            table.keepers += 1;
            table.keeper = Some(table.keepers);
            let keeper = Keeper { engine: Arc::clone(self), number: table.keepers };
            drop(table);
            self.runtime.spawn(async move { keeper.run().await });
        }
    }

    /// Looks after it no more. Says whether it was looked after until now.
    pub(crate) fn forget(&self, lease: &Arc<Lease>) -> bool {
        self.lines.let_go(lease);
        let mut table = self.leases.table();
        table.look_at(id(lease), None);
        table.leases.remove(&id(lease)).is_some()
    }

    /// Renews one lease out of its turn.
    pub(crate) async fn renew_now(
        self: &Arc<Self>,
        lease: &Arc<Lease>,
    ) -> Result<Result<(), LossReason>, BackendError> {
        self.renew(std::slice::from_ref(lease)).await?;
        Ok(lease.valid_for().map(|_| ()))
    }

    async fn renew(self: &Arc<Self>, leases: &[Arc<Lease>]) -> Result<(), BackendError> {
        let limit = leases.iter().map(|lease| lease.terms.call_limit).min().unwrap_or_default();
        let (engine, batch) = (Arc::clone(self), leases.to_vec());
        // What a late answer confirms still counts, hence it is noted where the call is, not where it is awaited.
        let call = async move {
            let sent = Moment::now();
            let renewals: Vec<_> = batch.iter().map(|lease| lease.renewal()).collect();
            let outcomes = engine.backend.renew(&renewals).await?;
            for (lease, outcome) in batch.iter().zip(outcomes) {
                match outcome {
                    RenewOutcome::Renewed => drop(lease.confirm(sent)),
                    RenewOutcome::NotHeld => {
                        lease.lose(LossReason::Taken);
                        engine.lines.wake(&lease.key.name);
                    }
                }
            }
            Ok(())
        };
        self.call(limit, call).await
    }
}

impl Leases {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Changes when to look at a lease.
    fn look_at(&mut self, id: Id, when: Option<Instant>) {
        let Some(entry) = self.leases.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut entry.due, when) {
            self.due.remove(&(before, id));
        }
        self.due.extend(when.map(|when| (when, id)));
    }

    /// Takes the next step of all leases that are due. Returns those to renew, and when to look again; `None` when
    /// there is nothing to look after any more.
    fn look(&mut self) -> Option<(Vec<Arc<Lease>>, Instant)> {
        let now = Instant::now();
        let mut renew = Vec::new();
        while let Some((_, id)) = self.due.first().copied().filter(|(when, _)| *when <= now) {
            self.step(id, false, &mut renew);
        }
        if let Some(soon) = renew.iter().map(|lease| lease.terms.soon()).max() {
            let soon: Vec<Id> = self.due.range(..=(now + soon, Id::MAX)).map(|(_, id)| *id).collect();
            soon.into_iter().for_each(|id| self.step(id, true, &mut renew));
        }
        let Some((when, _)) = self.due.first() else {
            self.keeper = None;
            return None;
        };
        Some((renew, (*when).min(now + LONGEST_NAP)))
    }

    fn step(&mut self, id: Id, eager: bool, renew: &mut Vec<Arc<Lease>>) {
        let Some(lease) = self.leases.get(&id).map(|entry| Arc::clone(&entry.lease)) else { return };
        let now = Instant::now();
        let again = match lease.step(eager) {
            Step::Wait(pause) => Some(now + pause.max(Duration::from_millis(1))),
            // The step after it is to wait for the answer.
            Step::Renew => {
                renew.push(lease);
                Some(now)
            }
            Step::Lose(reason) => {
                tracing::warn!(lock = %lease.key.name, %reason, "a lease is lost");
                None
            }
        };
        self.look_at(id, again);
    }

    fn look_at_all_now(&mut self) {
        let now = Instant::now();
        let ids: Vec<_> = self.due.iter().map(|(_, id)| *id).collect();
        ids.into_iter().for_each(|id| self.look_at(id, Some(now)));
    }
}

struct Keeper {
    engine: Arc<Engine>,
    number: u64,
}

impl Keeper {
    async fn run(&self) {
        let leases = &self.engine.leases;
        loop {
            let Some((renew, again)) = leases.table().look() else { return };
            for batch in renew.chunks(BATCH) {
                self.renew(batch.to_vec());
            }
            let nap = Moment::now();
            tokio::select! {
                () = time::sleep_until(again) => {}
                () = leases.sooner.notified() => {}
            }
            if nap.slept() > SUSPENDED {
                leases.table().look_at_all_now();
            }
        }
    }

    fn renew(&self, batch: Vec<Arc<Lease>>) {
        let engine = Arc::clone(&self.engine);
        self.engine.runtime.spawn(async move {
            if let Err(error) = engine.renew(&batch).await {
                let (leases, pause) = (batch.len(), error.retry_after());
                let error = &error as &dyn std::error::Error;
                tracing::warn!(leases, error, "leases could not be renewed; it is tried again until they are lost");
                let mut table = engine.leases.table();
                for lease in &batch {
                    lease.renewal_failed(pause.unwrap_or_default());
                    table.look_at(id(lease), Some(Instant::now()));
                }
                drop(table);
                engine.leases.sooner.notify_one();
            }
        });
    }
}

impl Drop for Keeper {
    /// With the runtime, renewal ends: holders are told now, not when they look.
    fn drop(&mut self) {
        let mut table = self.engine.leases.table();
        if table.keeper != Some(self.number) {
            return;
        }
        table.keeper = None;
        for (_, id) in std::mem::take(&mut table.due) {
            if let Some(entry) = table.leases.get_mut(&id) {
                entry.due = None;
                entry.lease.lose(LossReason::Stopped);
            }
        }
    }
}
