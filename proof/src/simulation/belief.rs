//! [`Belief`]: a holder that thinks it has the lock. When another gets it, all who think so are asked.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use shylock_core::{AsyncLockGuard, Loss, LossReason};

use super::{
    bug::Bug,
    process::Process,
    resource::write,
    world::{World, lock},
};
use crate::history::What;

type Lost = Pin<Box<dyn Future<Output = Loss> + Send>>;

/// All who have a guard, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Beliefs(Mutex<BTreeMap<u64, Holder>>);

struct Holder {
    about: Arc<str>,
    process: u32,
    granted_to: u32,
    token: u64,
    /// Asked without waiting for it. `None` once it has resolved.
    lost: Option<Lost>,
    loss: Option<LossReason>,
    /// What a client that counts from the answer takes for its deadline.
    counted: Duration,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder").field("process", &self.process).field("token", &self.token).finish_non_exhaustive()
    }
}

impl Holder {
    /// Whether it would act now.
    fn believes(&mut self, bug: Option<Bug>, now: Duration) -> bool {
        if let Some(lost) = &mut self.lost
            && let Poll::Ready(Loss { reason, .. }) = lost.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            (self.lost, self.loss) = (None, Some(reason));
        }
        match bug {
            Some(Bug::NoDeadline) => self.loss.is_none_or(|reason| reason == LossReason::Expired),
            Some(Bug::LeaseFromAnswer) => {
                self.loss.is_none() || (self.loss == Some(LossReason::Expired) && now < self.counted)
            }
            _ => self.loss.is_none(),
        }
    }
}

impl Beliefs {
    /// Asks all other holders of this lock whether they think that they hold it. Answers who does.
    fn others(&self, world: &World, about: &str, token: u64) -> Vec<(u32, u64)> {
        let mut table = lock(&self.0);
        let others = table.values_mut().filter(|holder| &*holder.about == about && holder.token != token);
        let now = world.at();
        others
            .filter_map(|holder| {
                let believes = holder.believes(world.plan.bug, now);
                believes.then_some((holder.granted_to, holder.token))
            })
            .collect()
    }

    /// A process is dead: it thinks nothing.
    pub(super) fn forget(&self, process: u32) {
        lock(&self.0).retain(|_, holder| holder.process != process);
    }
}

/// A guard in the hands of a user, who acts by it.
#[derive(Debug)]
pub(super) struct Belief {
    process: Arc<Process>,
    /// Whose grant it is: a ticket goes on with that of another process.
    granted_to: u32,
    pub(super) about: Arc<str>,
    pub(super) token: u64,
    number: u64,
}

impl Belief {
    /// The user has the guard now.
    pub(super) fn begin(
        process: &Arc<Process>,
        granted_to: u32,
        guard: &AsyncLockGuard,
        unrenewed_ttl: Option<Duration>,
    ) -> Self {
        let world = &process.world;
        let (about, token): (Arc<str>, u64) = (Arc::from(guard.name()), guard.token().get());
        for (other, theirs) in world.beliefs.others(world, &about, token) {
            world.record(other, &about, What::Asked { token: theirs, held: true, left: 1 });
            if world.plan.keeps_to_allowance() {
                let at = world.at();
                world.violated(format!("{at:?}: {about} has token {token}, and process {other} acts by {theirs}"));
            }
        }
        let counted = unrenewed_ttl.map_or(Duration::ZERO, |ttl| world.at() + ttl - ttl / 10);
        let holder = Holder {
            about: Arc::clone(&about),
            process: process.number,
            granted_to,
            token,
            lost: Some(Box::pin(guard.lost())),
            loss: None,
            counted,
        };
        let number = world.number();
        lock(&world.beliefs.0).insert(number, holder);
        let belief = Self { process: Arc::clone(process), granted_to, about, token, number };
        belief.ask(guard);
        belief.watch(guard);
        belief
    }

    /// Asks the guard, and tells its answer.
    pub(super) fn ask(&self, guard: &AsyncLockGuard) -> bool {
        let world = &self.process.world;
        let mut table = lock(&world.beliefs.0);
        let Some(holder) = table.get_mut(&self.number) else { return false };
        let held = holder.believes(world.plan.bug, world.at());
        drop(table);
        let left = u64::try_from(guard.remaining().as_nanos()).unwrap_or(u64::MAX).max(u64::from(held));
        world.record(self.granted_to, &self.about, What::Asked { token: self.token, held, left });
        held
    }

    /// Tells of its loss, when it is lost before it is given back.
    fn watch(&self, guard: &AsyncLockGuard) {
        let (process, granted_to) = (Arc::clone(&self.process), self.granted_to);
        let (about, token, number) = (Arc::clone(&self.about), self.token, self.number);
        let lost = guard.lost();
        tokio::spawn(async move {
            let Loss { reason, .. } = lost.await;
            let world = &process.world;
            // Who looks at no deadline, or at a wrong one, is told nothing when it has passed.
            let deaf = matches!(world.plan.bug, Some(Bug::NoDeadline | Bug::LeaseFromAnswer));
            let told = reason != LossReason::Released && !(deaf && reason == LossReason::Expired);
            if told && lock(&world.beliefs.0).contains_key(&number) {
                world.record(granted_to, &about, What::Lost { token, reason: format!("{reason:?}") });
            }
        });
    }

    /// The user does not act by it any more; who has its ticket may.
    pub(super) fn end(self) -> u32 {
        lock(&self.process.world.beliefs.0).remove(&self.number);
        self.granted_to
    }

    /// Sends a write to the resource, which arrives after so long.
    pub(super) fn write(&self, delay: Duration) {
        write(&self.process.world, self.granted_to, &self.about, self.token, delay);
    }
}

impl Drop for Belief {
    fn drop(&mut self) {
        let world = &self.process.world;
        let was_there = lock(&world.beliefs.0).remove(&self.number).is_some();
        if was_there && !self.process.is_dead() {
            world.record(self.granted_to, &self.about, What::Releasing { token: self.token });
        }
    }
}
