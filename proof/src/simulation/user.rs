//! What a user does: wants locks in every way there is, works while it holds one, and gives it back in every way there is.

use std::{future::Future, sync::Arc, time::Duration};

use shylock_core::{AsyncLock, AsyncLockGuard, Error};
use tokio::time;

use super::{
    belief::Belief,
    chance::Chance,
    plan::{Kind, Plan},
    process::Process,
    wish::Wish,
};
use crate::history::{Answer, What};

/// Uses locks until nothing is disturbed any more.
pub(super) async fn use_locks(process: Arc<Process>, chance: Chance) {
    let user = User { process, chance: Arc::new(chance) };
    loop {
        user.pause(300).await;
        if user.process.world.is_healed() {
            return;
        }
        user.use_a_lock().await;
    }
}

#[derive(Clone)]
struct User {
    process: Arc<Process>,
    chance: Arc<Chance>,
}

/// A lock as a user wants it, and how long it cannot be renewed.
struct Wanted {
    lock: AsyncLock,
    unrenewed: Option<Duration>,
}

impl User {
    fn plan(&self) -> &Plan {
        &self.process.world.plan
    }

    /// Stands still for a while, and as long as its process does.
    async fn pause(&self, most: u64) {
        self.process.world.wait(self.chance.ms(0, most)).await;
        self.process.running().await;
    }

    fn wanted(&self) -> Wanted {
        let (plan, chance) = (self.plan(), &self.chance);
        let name = ["x", "y"][usize::from(chance.below(plan.locks) == 1)];
        let ttl = plan.ttl * if chance.per_mille(200) { 2 } else { 1 };
        let mut lock = self.process.manager().lock(name).with_ttl(ttl);
        if chance.per_mille(100) {
            lock = lock.with_max_hold(chance.ms(50, 3000));
        }
        let renews = chance.per_mille(750);
        Wanted { lock: lock.with_auto_renew(renews), unrenewed: (!renews).then_some(ttl) }
    }

    async fn use_a_lock(&self) {
        let wanted = self.wanted();
        if self.chance.per_mille(120) {
            return self.within(&wanted).await;
        }
        if let Some(guard) = self.acquire(&wanted.lock).await {
            let belief = self.have(&guard, wanted.unrenewed);
            self.work(&guard, &belief).await;
            self.give_back(guard, belief).await;
        }
    }

    fn have(&self, guard: &AsyncLockGuard, unrenewed: Option<Duration>) -> Belief {
        Belief::begin(&self.process, self.process.number, guard, unrenewed)
    }

    async fn acquire(&self, lock: &AsyncLock) -> Option<AsyncLockGuard> {
        let chance = &self.chance;
        match chance.below(10) {
            0..3 => {
                let wish = Wish::new(&self.process, lock.name(), None);
                let outcome = self.perhaps_cancelled(200, lock.try_acquire()).await?;
                wish.took("try_acquire", self.plan().call_limit());
                wish.outcome(outcome)
            }
            3..6 => {
                let limit = chance.ms(1, 4000);
                let wish = Wish::new(&self.process, lock.name(), Some(limit));
                let outcome = self.perhaps_cancelled(3000, lock.acquire_timeout(limit)).await?;
                wish.took("acquire_timeout", limit);
                wish.outcome(outcome.map(Some))
            }
            _ => {
                let wish = Wish::new(&self.process, lock.name(), None);
                let outcome = self.perhaps_cancelled(3000, lock.acquire()).await?;
                wish.outcome(outcome.map(Some))
            }
        }
    }

    async fn within(&self, wanted: &Wanted) {
        let wish = Wish::new(&self.process, wanted.lock.name(), None);
        let wish = std::sync::Mutex::new(Some(wish));
        let outcome = wanted.lock.with(async |guard| {
            if let Some(wish) = super::world::lock(&wish).take() {
                wish.granted(guard);
            }
            let belief = self.have(guard, wanted.unrenewed);
            self.work(guard, &belief).await;
        });
        let outcome = self.perhaps_cancelled(4000, outcome).await;
        let wish = super::world::lock(&wish).take();
        if let (Some(Err(error)), Some(wish)) = (outcome, wish) {
            drop(wish.outcome(Err(error)));
        }
    }

    /// Holds it, asks whether it does, writes, renews.
    async fn work(&self, guard: &AsyncLockGuard, belief: &Belief) {
        let chance = &self.chance;
        let step = chance.one_of(&[10, 100, 700]);
        for _ in 0..chance.below(5) {
            self.pause(step).await;
            let held = belief.ask(guard);
            match chance.below(8) {
                0..4 if held => {
                    let delay = if chance.per_mille(150) { chance.ms(100, 6000) } else { chance.ms(0, 20) };
                    belief.write(delay);
                }
                4 => {
                    let asked = self.process.world.at();
                    if let Some(Ok(())) = self.perhaps_cancelled(200, guard.renew()).await {
                        let took = self.process.world.at().saturating_sub(asked);
                        self.took("renew", self.plan().call_limit(), took);
                    }
                }
                5 if !held => return,
                _ => {}
            }
        }
    }

    async fn give_back(&self, guard: AsyncLockGuard, belief: Belief) {
        let chance = &self.chance;
        match chance.below(10) {
            0..3 => {
                drop(belief);
                drop(guard);
            }
            3..5 if guard.is_held() => self.pass_on(guard, belief).await,
            _ => {
                let (about, token) = (Arc::clone(&belief.about), belief.token);
                belief.ask(&guard);
                drop(belief);
                let asked = self.process.world.at();
                let Some(outcome) = self.perhaps_cancelled(300, guard.release()).await else { return };
                let took = self.process.world.at().saturating_sub(asked);
                self.took("release", self.plan().call_limit(), took);
                let answer = match outcome {
                    Ok(()) => Answer::Released,
                    Err(Error::Lost { .. }) => Answer::Lost,
                    Err(_) => Answer::Unknown,
                };
                self.process.world.record(self.process.number, &about, What::Released { token, answer });
            }
        }
    }

    /// Detaches the guard; this process or another goes on with the ticket.
    async fn pass_on(&self, guard: AsyncLockGuard, belief: Belief) {
        let ticket = guard.detach();
        let granted_to = belief.end();
        self.pause(200).await;
        let living = self.process.world.living();
        let Some(other) = living.get(usize::try_from(self.chance.below(living.len() as u64)).unwrap_or_default())
        else {
            return;
        };
        let next = Self { process: Arc::clone(other), chance: Arc::clone(&self.chance) };
        other.run(async move {
            let resume = next.process.manager().resume(ticket);
            if let Some(Ok(guard)) = next.perhaps_cancelled(300, resume).await {
                let belief = Belief::begin(&next.process, granted_to, &guard, None);
                next.work(&guard, &belief).await;
                drop(belief);
                drop(next.perhaps_cancelled(300, guard.release()).await);
            }
        });
    }

    /// `None` if it was dropped before its end.
    async fn perhaps_cancelled<T>(&self, most: u64, call: impl Future<Output = T>) -> Option<T> {
        let world = &self.process.world;
        if world.plan.has(Kind::Cancel) && !world.is_healed() && self.chance.per_mille(250) {
            let time = if self.chance.per_mille(300) { self.chance.ms(0, 8) } else { self.chance.ms(0, most) };
            world.disturb(Kind::Cancel);
            return time::timeout(time, call).await.ok();
        }
        Some(call.await)
    }

    fn took(&self, call: &str, limit: Duration, time: Duration) {
        super::wish::took(&self.process, call, limit, time);
    }
}
