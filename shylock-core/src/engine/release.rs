//! Giving a lease back: to the next waiter of this process in one round trip, or to the store, now or after a rest.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::time;

use super::{Engine, acquisition::Passed, admission::Class, call::Sent, lease::Lease, queue::Next};
use crate::{
    AcquireRequest, BackendError, Failure, HandOff, HolderId, HolderInfo, LeaseKey, LossReason, ReleaseOutcome, observe,
};

/// Whether the lease was still this holder's. An error where the store refuses, or where the lease has ended by itself
/// meanwhile.
pub(crate) type Outcome = Result<Result<(), LossReason>, BackendError>;

/// Gives the lease back. It counts as gone from here on.
pub(crate) fn give_back(
    engine: Arc<Engine>,
    lease: Arc<Lease>,
    sent: Sent,
) -> impl Future<Output = Outcome> + Send + 'static {
    let releasing = Releasing::begin(engine, lease, sent);
    async move {
        let passed = match releasing.next().await {
            Next::HandOff(next, row) => next.take_from(releasing.lease.key.clone(), row, &releasing.sent).await,
            Next::Release | Next::Soon(_) => Passed::No,
        };
        let outcome = match passed {
            Passed::Yes => Ok(Ok(())),
            Passed::NotHeld => Ok(Err(LossReason::Taken)),
            Passed::No => releasing.to_the_store(&Way::Free, false).await,
            Passed::Unknown => releasing.to_the_store(&Way::Free, true).await,
        };
        releasing.arrived(passed, outcome)
    }
}

/// Gives the lease to a holder whom nobody is, so that it ends by itself after `rest`. One that is lost is given back.
pub(crate) fn leave(
    engine: Arc<Engine>,
    lease: Arc<Lease>,
    rest: Duration,
    sent: Sent,
) -> impl Future<Output = Outcome> + Send + 'static {
    let releasing = Releasing::begin(engine, lease, sent);
    async move {
        let way = if releasing.valid { Way::after(rest, &releasing.engine, &releasing.lease)? } else { Way::Free };
        let outcome = releasing.to_the_store(&way, false).await;
        releasing.arrived(Passed::No, outcome)
    }
}

/// What the store is asked for.
enum Way {
    Free,
    Rest(AcquireRequest),
}

impl Way {
    fn after(rest: Duration, engine: &Engine, lease: &Lease) -> Result<Self, BackendError> {
        let holder = HolderId::random().map_err(BackendError::permanent)?;
        // The process that let go may be gone long before the lease.
        let info = HolderInfo { pid: None, ..lease.info().unwrap_or(&engine.info).clone() };
        Ok(Self::Rest(AcquireRequest { name: lease.key.name.clone(), holder, ttl: rest, info }))
    }
}

/// A lease on its way back. Until it has arrived, those who wait in this process have nothing to ask for.
struct Releasing {
    engine: Arc<Engine>,
    lease: Arc<Lease>,
    sent: Sent,
    /// Whether it was good until it was given back: nobody else can have had the lock before.
    valid: bool,
    held: Option<Duration>,
    heard: bool,
}

impl Releasing {
    /// The lease counts as gone from here on.
    fn begin(engine: Arc<Engine>, lease: Arc<Lease>, sent: Sent) -> Self {
        let valid = lease.valid_for().is_ok();
        lease.lose(LossReason::Released);
        let held = observe::held_for(&lease);
        Self { engine, lease, sent, valid, held, heard: false }
    }

    /// Whom to hand over to, now or in a moment.
    async fn next(&self) -> Next {
        if !self.valid {
            return Next::Release;
        }
        let next = || self.engine.lines.next(&self.lease.key.name, self.lease.row);
        match next() {
            Next::Soon(first) => {
                first.ready().await;
                next()
            }
            known => known,
        }
    }

    /// Repeats the release until the store knows, or until the lease has ended by itself. `unknown`: it may have been
    /// released already.
    async fn to_the_store(&self, way: &Way, mut unknown: bool) -> Outcome {
        let Self { engine, lease, valid, .. } = self;
        let mut pace = engine.pace();
        loop {
            let answer = self.ask_the_store(way).await;
            let error = match answer {
                Ok(ReleaseOutcome::Released) => return Ok(Ok(())),
                // Perhaps an earlier try has released it, and only its answer was lost. If not, others came after its
                // holder, unless that one acted on a lease that was lost.
                Ok(ReleaseOutcome::NotHeld) if unknown && *valid => return Ok(Ok(())),
                Ok(ReleaseOutcome::NotHeld) => return Ok(Err(LossReason::Taken)),
                Err(error) => error,
            };
            let pause = pace.after_failure(error.retry_after(), super::random());
            if !error.is_passing() || lease.ends_within(pause) {
                return Err(error);
            }
            unknown |= *error.failure() == Failure::Ambiguous;
            time::sleep(pause).await;
        }
    }

    async fn ask_the_store(&self, way: &Way) -> Result<ReleaseOutcome, BackendError> {
        let Self { engine, lease, sent, .. } = self;
        let (backend, limit) = (Arc::clone(&engine.backend), lease.terms.call_limit);
        match way {
            Way::Free => {
                let send = |leases: Vec<LeaseKey>| async move { backend.release(&leases).await };
                engine.releases.send(engine, (Class::Release, limit), lease.key.clone(), sent, send).await
            }
            Way::Rest(nobody) => {
                let (from, to) = (lease.key.clone(), nobody.clone());
                let hand_off = || async move { backend.hand_off(&from, &to).await };
                Ok(match engine.request(Class::HandOff, limit, sent, hand_off).await? {
                    HandOff::Granted(_) => ReleaseOutcome::Released,
                    HandOff::NotHeld => ReleaseOutcome::NotHeld,
                })
            }
        }
    }

    fn arrived(mut self, passed: Passed, outcome: Outcome) -> Outcome {
        self.heard = true;
        self.end(passed);
        let was_held = outcome.as_ref().map(Result::is_ok);
        observe::given_back(&self.lease, self.held, passed == Passed::Yes, was_held);
        outcome
    }

    fn end(&self, passed: Passed) {
        self.engine.lines.let_go(&self.lease);
        // After a hand-off the next in line has nothing to ask for either.
        if passed != Passed::Yes {
            self.engine.lines.wake(&self.lease.key.name);
        }
    }
}

impl Drop for Releasing {
    /// Says so when a release is dropped unsent, because the runtime has ended.
    fn drop(&mut self) {
        if !self.heard {
            observe::unsent(&self.lease);
            self.end(Passed::Unknown);
        }
    }
}

/// Gives the lease back without anybody waiting for it.
pub(crate) fn in_background(engine: &Arc<Engine>, lease: Arc<Lease>) {
    let name = lease.key.name.clone();
    let giving_back = give_back(Arc::clone(engine), lease, Sent::default());
    engine.work(async move {
        if let Err(error) = giving_back.await {
            observe::not_released(&name, &error);
        }
    });
}
