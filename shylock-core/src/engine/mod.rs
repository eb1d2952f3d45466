//! The engine of a manager: all that happens between a user's call and a store.

mod acquire;
mod acquisition;
mod admission;
mod batch;
#[cfg_attr(not(feature = "protocol"), allow(unreachable_pub, reason = "the model of the protocol sees it"))]
pub(crate) mod belief;
mod bounded;
mod call;
mod health;
mod held;
mod keeper;
mod lease;
#[cfg_attr(not(feature = "protocol"), allow(unreachable_pub, reason = "the model of the protocol sees it"))]
pub(crate) mod ledger;
mod optional;
mod pace;
mod place;
mod queue;
mod release;
#[cfg_attr(not(feature = "protocol"), allow(unreachable_pub, reason = "the model of the protocol sees it"))]
pub(crate) mod renew;
mod runtime;
mod schedule;
mod turns;
mod wait;
mod watch;

use std::{any::Any, sync::Arc, time::Duration};

use tokio::sync::watch::Sender;

pub(crate) use self::{
    acquire::{Patience, Wanted},
    admission::Class,
    call::Sent,
    held::Held,
    lease::Lease,
    renew::Terms,
    runtime::Runtime,
};
use self::{batch::Batches, pace::Pace};
use crate::chance::jitter as random;
use crate::{
    Backend, BackendError, Error, HolderInfo, LeaseKey, LockInfo, LockName, ReleaseOutcome, Result, observe,
    options::ManagerOptions,
};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) options: ManagerOptions,
    /// What others see of the holders in this process.
    pub(crate) info: HolderInfo,
    runtime: Runtime,
    pub(crate) lines: Arc<queue::Lines>,
    leases: keeper::Leases,
    ears: watch::Ears,
    admission: Arc<admission::Admission>,
    releases: Batches<LeaseKey, ReleaseOutcome>,
    renewals: Batches<Arc<Lease>, ()>,
    health: Arc<health::Health>,
    /// How many tasks are under way that may still have to release something.
    under_way: Sender<usize>,
}

impl Engine {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        options: ManagerOptions,
        info: HolderInfo,
        runtime: Runtime,
    ) -> Arc<Self> {
        observe::describe();
        let (admission, health) = (admission::Admission::new(beside_renewals(backend.concurrency())), Arc::default());
        Arc::new(Self {
            backend: Arc::new(bounded::Bounded { store: backend, health: Arc::clone(&health) }),
            options,
            info,
            runtime,
            lines: Arc::default(),
            leases: keeper::Leases::default(),
            ears: watch::Ears::default(),
            admission,
            releases: Batches::default(),
            renewals: Batches::default(),
            health,
            under_way: Sender::new(0),
        })
    }

    /// The store, if it is of this type.
    pub(crate) fn store<B: Backend>(&self) -> Option<&B> {
        let backend: &dyn Any = &*self.backend;
        backend.downcast_ref::<bounded::Bounded>()?.store()
    }

    /// Waits until no request is under way whose grant might have to be released. In a forked child, there is none.
    pub(crate) async fn idle(&self) {
        if self.runtime.is_of_another_process() {
            return;
        }
        drop(self.under_way.subscribe().wait_for(|tasks| *tasks == 0).await);
    }

    /// Has the store bring what it knows to where it lasts. A store that cannot has it where it was.
    pub(crate) async fn flush(self: &Arc<Self>) {
        let engine = Arc::clone(self);
        let flushed = self.ask(self.options.call_timeout, |_| async move { Ok(engine.backend.flush().await?) }).await;
        if let Err(error) = flushed {
            tracing::debug!(error = &error as &dyn std::error::Error, "store not flushed");
        }
    }

    fn pace(&self) -> Pace {
        Pace::new(self.options.poll_first, self.options.poll_max)
    }

    /// A lock was broken here: this process does not hold it either.
    pub(crate) fn broken(&self, name: &LockName, holder: &LockInfo) {
        observe::broken(name, holder);
        self.lines.distrust(name);
        self.lines.wake(name);
    }

    /// Whether no call can go out any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.runtime.has_ended()
    }

    /// No call goes out from the forked child of the process whose engine this is.
    fn check_process(&self) -> Result<()> {
        if self.runtime.is_of_another_process() { Err(Error::Stopped) } else { Ok(()) }
    }
}

impl Drop for Engine {
    /// A forked child's copy of the store's client must not say goodbye on its parent's connections.
    fn drop(&mut self) {
        if self.runtime.is_of_another_process() {
            std::mem::forget(Arc::clone(&self.backend));
        }
    }
}

struct UnderWay(Arc<Engine>);

impl UnderWay {
    fn new(engine: &Arc<Engine>) -> Self {
        engine.under_way.send_modify(|tasks| *tasks += 1);
        Self(Arc::clone(engine))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|tasks| *tasks -= 1);
    }
}

/// How many requests may be under way beside the renewals, of so many in all.
const fn beside_renewals(in_all: usize) -> usize {
    if in_all < 4 { in_all } else { in_all - 2 }
}

fn no_answer(limit: Duration) -> BackendError {
    BackendError::ambiguous(format!("no answer within {:?}", in_millis(limit)))
}

fn not_sent(limit: Duration) -> BackendError {
    BackendError::not_applied(format!("not sent: the store has answered nothing for {:?}", in_millis(limit)), None)
}

/// What is left of a limit has nanoseconds, which tell nobody anything.
fn in_millis(limit: Duration) -> Duration {
    Duration::from_millis(limit.as_millis().try_into().unwrap_or(u64::MAX))
}
