//! The task of a manager that renews its leases and tells their holders of a loss. It runs while there are leases
//! to look after, and never waits for a store itself.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::{Engine, admission::Class, call::Sent, lease::Lease, schedule::Schedule};
use crate::{BackendError, LossReason, RenewOutcome, clock::Moment, observe};

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
    schedule: Schedule,
    /// The keeper at work, by its number: one that has ended must not speak for the one that came after it.
    keeper: Option<u64>,
    keepers: u64,
    /// When it looks next by itself.
    looks_at: Option<Instant>,
}

impl Engine {
    /// Looks after a lease from now on.
    pub(crate) fn keep(self: &Arc<Self>, lease: &Arc<Lease>) {
        let mut table = self.leases.table();
        table.schedule.insert(lease);
        if table.keeper.is_some() {
            if table.schedule.next() < table.looks_at {
                self.leases.sooner.notify_one();
            }
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
        self.leases.table().schedule.remove(lease)
    }

    /// Renews one lease out of its turn.
    pub(crate) async fn renew_now(
        self: &Arc<Self>,
        lease: &Arc<Lease>,
        sent: &Sent,
    ) -> Result<Result<(), LossReason>, BackendError> {
        let (engine, limit) = (Arc::clone(self), lease.terms.call_limit);
        let renewed = if lease.is_apart() {
            let alone = vec![Arc::clone(lease)];
            self.request(Class::Renewal, limit, sent, || engine.renew(alone)).await.map(drop)
        } else {
            let send = |leases| engine.renew(leases);
            self.renewals.send(self, (Class::Renewal, limit), Arc::clone(lease), sent, send).await
        };
        renewed.inspect_err(|_| observe::renewals_failed(1))?;
        Ok(lease.valid_for().map(|_| ()))
    }

    /// Renews these leases in one request. What a late answer confirms still counts, hence it is noted here, and not
    /// where the answer is awaited.
    async fn renew(self: Arc<Self>, leases: Vec<Arc<Lease>>) -> Result<Vec<()>, BackendError> {
        let sent = Moment::now();
        let renewals: Vec<_> = leases.iter().map(|lease| lease.renewal()).collect();
        let outcomes = self.backend.renew(&renewals).await?;
        let note = |(lease, outcome): (&Arc<Lease>, RenewOutcome)| match outcome {
            RenewOutcome::Renewed => drop(lease.confirm(sent)),
            RenewOutcome::NotHeld => {
                observe::renewal_refused(lease);
                lease.lose(LossReason::Taken);
                self.lines.wake(&lease.key.name);
            }
        };
        Ok(leases.iter().zip(outcomes).map(note).collect())
    }
}

impl Leases {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came out of a look at all leases.
struct Look {
    batches: Vec<Vec<Arc<Lease>>>,
    lost: Vec<Arc<Lease>>,
    /// `None`: there is nothing to look after any more, and the keeper ends.
    again: Option<Instant>,
}

impl Table {
    /// What to do now.
    fn look(&mut self) -> Look {
        let batches = self.schedule.look();
        let longest_nap = Instant::now() + LONGEST_NAP;
        self.looks_at = self.schedule.next().map(|next| next.min(longest_nap));
        if self.looks_at.is_none() {
            self.keeper = None;
        }
        Look { batches, lost: self.schedule.lost(), again: self.looks_at }
    }
}

struct Keeper {
    engine: Arc<Engine>,
    number: u64,
}

impl Keeper {
    async fn run(&self) {
        let leases = &self.engine.leases;
        let mut margins = observe::Margins::default();
        loop {
            let Look { batches, lost, again } = leases.table().look();
            lost.iter().for_each(|lease| lease.tell());
            margins.look(|| leases.table().schedule.smallest_margin());
            for batch in batches {
                let request = Request { engine: Arc::clone(&self.engine), batch };
                self.engine.runtime.spawn(request.send());
            }
            let Some(again) = again else { return };
            let nap = Moment::now();
            tokio::select! {
                biased;
                () = time::sleep_until(again) => {}
                () = leases.sooner.notified() => {}
            }
            if nap.slept() > SUSPENDED {
                leases.table().schedule.look_at_all_now();
            }
        }
    }
}

impl Drop for Keeper {
    /// With the runtime, renewal ends: holders are told now, not when they look.
    fn drop(&mut self) {
        let mut table = self.engine.leases.table();
        if table.keeper == Some(self.number) {
            table.keeper = None;
            table.schedule.lose_all(LossReason::Stopped);
        }
        let lost = table.schedule.lost();
        drop(table);
        lost.iter().for_each(|lease| lease.tell());
    }
}

/// One request for a batch. However it ends, the next one gets its place.
struct Request {
    engine: Arc<Engine>,
    batch: Vec<Arc<Lease>>,
}

impl Request {
    async fn send(self) {
        let limit = self.batch.iter().map(|lease| lease.terms.call_limit).min().unwrap_or_default();
        let renewing = Arc::clone(&self.engine).renew(self.batch.clone());
        if let Err(error) = self.engine.call(limit, renewing).await {
            observe::renewals_failed(self.batch.len());
            let pause = error.retry_after().unwrap_or_default();
            self.batch.iter().for_each(|lease| lease.renewal_failed(pause));
            observe::renewals_go_on(self.batch.len(), &error);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.engine.leases.table().schedule.answered(&self.batch);
        self.engine.leases.sooner.notify_one();
    }
}
