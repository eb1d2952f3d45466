//! A sequence of steps on a store, compared with the reference step by step.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, FencingToken, HandOff, HolderId, HolderInfo, LeaseKey, ListQuery,
    LockInfo, LockName, ReleaseOutcome, RenewOutcome, Renewal,
};

use super::{
    model::{Grant, Lock},
    steps::{HOLDERS, NAMES, Pick, Step},
};

/// A store whose time a test can make pass. All times in milliseconds.
#[async_trait]
pub(crate) trait World: Send + Sync {
    async fn handle(&self) -> Arc<dyn Backend>;
    /// Twice the skew allowance.
    fn grace(&self) -> u64;
    /// The unit of leases and pauses.
    fn tick(&self) -> u64;
    /// How far it may be off the time that the reference counts. Where it is not 0, nothing happens so close to an end.
    fn slack(&self) -> u64;
    async fn pass(&self, ms: u64);
    /// The server's clock, since 1970.
    async fn clock(&self) -> u64;
    async fn clean_up(&self, name: &LockName);
}

/// Long enough for a clock to be ahead of all tokens, and too short for a store to clean up by itself.
const WHILE: u64 = 60 * 1000;

/// Runs the steps on locks whose names begin with this text.
pub(crate) async fn run(world: &dyn World, prefix: &str, steps: &[Step]) -> Result<(), String> {
    let stores = [world.handle().await, world.handle().await];
    let name = |tail: &str| LockName::new(format!("{prefix}{tail}")).expect("a valid name");
    let names = [name("A"), name("a"), name("\u{e9} %")];
    let mut run = Run {
        world,
        stores,
        prefix,
        names,
        locks: Default::default(),
        removed: [false; NAMES],
        leases: Vec::new(),
        now: WHILE,
        asked: 0,
    };
    for (number, step) in steps.iter().enumerate() {
        run.step(step).await.map_err(|wrong| format!("step {number}, {step:?}: {wrong}\n{:?}", run.locks))?;
    }
    Ok(())
}

struct Run<'a> {
    world: &'a dyn World,
    stores: [Arc<dyn Backend>; 2],
    prefix: &'a str,
    names: [LockName; NAMES],
    locks: [Lock; NAMES],
    /// Whether the record was cleaned up after the last grant.
    removed: [bool; NAMES],
    /// All that were ever granted.
    leases: Vec<(usize, u8, u64)>,
    now: u64,
    asked: usize,
}

fn said<T>(answer: Result<T, BackendError>) -> Result<T, String> {
    answer.map_err(|error| format!("an error: {error:?}"))
}

fn same<T: PartialEq + std::fmt::Debug>(told: &T, wanted: &T) -> Result<(), String> {
    if told == wanted { Ok(()) } else { Err(format!("the store says {told:?}, the reference {wanted:?}")) }
}

fn id(name: usize, holder: u8) -> HolderId {
    let mut bytes = [holder + 1; 16];
    bytes[0] = u8::try_from(name).expect("few names");
    HolderId::from_bytes(bytes)
}

fn info(holder: u8) -> HolderInfo {
    HolderInfo {
        host: Some(format!("host {holder}")),
        pid: Some(u32::from(holder)),
        note: (holder > 0).then(|| "$é".into()),
    }
}

impl Run<'_> {
    /// Each step asks another process, as it were.
    fn store(&mut self) -> Arc<dyn Backend> {
        self.asked += 1;
        Arc::clone(&self.stores[self.asked % 2])
    }

    fn request(&self, name: usize, holder: u8, ticks: u64) -> AcquireRequest {
        let ttl = Duration::from_millis(ticks * self.world.tick());
        AcquireRequest { name: self.names[name].clone(), holder: id(name, holder), ttl, info: info(holder) }
    }

    /// The lease, counted from the last one that was granted.
    fn lease(&self, pick: &Pick) -> Option<(usize, u8, u64)> {
        let back = |by: usize| self.leases.iter().rev().cycle().nth(by % self.leases.len().max(1)).copied();
        let (name, holder, token) = back(pick.lease)?;
        Some((name, holder, pick.forged.and_then(back).map_or(token, |(_, _, other)| other)))
    }

    fn key(&self, (name, holder, token): (usize, u8, u64)) -> LeaseKey {
        let token = FencingToken::new(token).expect("it was granted");
        LeaseKey { name: self.names[name].clone(), holder: id(name, holder), token }
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let (tick, grace, now) = (self.world.tick(), self.world.grace(), self.now);
        match *step {
            Step::Acquire { name, holder, ticks } => {
                let (request, store, before) =
                    (self.request(name, holder, ticks), self.store(), self.world.clock().await);
                let told = said(store.try_acquire(&request).await)?;
                let wanted = self.locks[name].acquire(holder, ticks * tick, now, grace);
                match (told, wanted) {
                    (Attempt::Granted(grant), Grant::New) => self.granted(name, grant.token, before).await,
                    (Attempt::Granted(grant), Grant::Same) => same(&grant.token.get(), &self.locks[name].token),
                    (Attempt::Held(info), Grant::Refused) => self.check(name, Some(&info)),
                    (told, wanted) => Err(format!("the store says {told:?}, the reference {wanted:?}")),
                }
            }
            Step::HandOff { ref from, holder, ticks } => {
                let Some((name, former, token)) = self.lease(from) else { return Ok(()) };
                // Each acquisition has an id of its own.
                let holder = if holder == former { (holder + 1) % HOLDERS } else { holder };
                let (key, to, store) =
                    (self.key((name, former, token)), self.request(name, holder, ticks), self.store());
                let before = self.world.clock().await;
                let told = said(store.hand_off(&key, &to).await)?;
                match (told, self.locks[name].hand_off((former, token), holder, ticks * tick, now)) {
                    (HandOff::Granted(grant), Grant::New) => self.granted(name, grant.token, before).await,
                    (HandOff::NotHeld, Grant::Refused) => Ok(()),
                    // Whoever has it already may recognise its grant, since an answer can be lost.
                    (HandOff::Granted(grant), Grant::Refused) if self.locks[name].is_live(now) => {
                        same(&(holder, grant.token.get()), &(self.locks[name].holder, self.locks[name].token))
                    }
                    (told, wanted) => Err(format!("the store says {told:?}, the reference {wanted:?}")),
                }
            }
            Step::Renew(ref picks) => {
                let mut wanted: Vec<((usize, u8, u64), u64)> = Vec::new();
                for (lease, ticks) in picks.iter().filter_map(|(pick, ticks)| Some((self.lease(pick)?, ticks))) {
                    // An id stands for one acquisition, and so for one lease in a batch.
                    if !wanted.iter().any(|((name, holder, _), _)| (*name, *holder) == (lease.0, lease.1)) {
                        wanted.push((lease, ticks * tick));
                    }
                }
                let renewal =
                    |(lease, ttl): &(_, u64)| Renewal { lease: self.key(*lease), ttl: Duration::from_millis(*ttl) };
                let batch: Vec<Renewal> = wanted.iter().map(renewal).collect();
                let told: Vec<bool> =
                    said(self.store().renew(&batch).await)?.iter().map(|one| *one == RenewOutcome::Renewed).collect();
                let renew = |((name, holder, token), ttl): ((usize, u8, u64), u64)| {
                    self.locks[name].renew((holder, token), ttl, now)
                };
                same(&told, &wanted.into_iter().map(renew).collect())
            }
            Step::Release(ref pick) => {
                let Some(lease) = self.lease(pick) else { return Ok(()) };
                let told = said(self.store().release(&[self.key(lease)]).await)? == [ReleaseOutcome::Released];
                same(&told, &self.locks[lease.0].release((lease.1, lease.2)))
            }
            Step::Inspect(name) => {
                let told = said(self.store().inspect(&self.names[name]).await)?;
                self.check(name, told.as_ref())
            }
            Step::List { after, limit } => {
                let after_name = after.map(|name| self.names[name].clone());
                let query = ListQuery { prefix: self.prefix.into(), after: after_name, limit };
                let told = said(self.store().list(&query).await)?;
                // The names are in the order of their bytes.
                let first = after.map_or(0, |name| name + 1);
                let wanted = (first..NAMES).filter(|name| self.locks[*name].is_live(now)).take(limit);
                let wanted: Vec<usize> = wanted.collect();
                let names = |info: &LockInfo| self.names.iter().position(|name| *name == info.name);
                same(&told.iter().map(names).collect(), &wanted.iter().copied().map(Some).collect::<Vec<_>>())?;
                wanted.iter().zip(&told).try_for_each(|(name, info)| self.check(*name, Some(info)))
            }
            Step::Pass(ticks) => {
                self.pass(ticks * tick).await;
                Ok(())
            }
            Step::CleanUp(name) => {
                self.pass(WHILE).await;
                let lock = &self.locks[name];
                if lock.ends.is_none() && lock.token > 0 && !self.removed[name] {
                    self.world.clean_up(&self.names[name]).await;
                    self.removed[name] = true;
                }
                Ok(())
            }
        }
    }

    /// A new lease: its token is the one of the rule, and larger than any before.
    async fn granted(&mut self, name: usize, token: FencingToken, before: u64) -> Result<(), String> {
        let last = self.locks[name].token;
        let previous = if self.removed[name] { None } else { FencingToken::new(last) };
        let rule = |clock| FencingToken::following(previous, clock);
        let bounds = rule(before)..=rule(self.world.clock().await);
        if token.get() <= last || !bounds.contains(&Some(token)) {
            return Err(format!("the token {token} after {last} is not within {bounds:?}"));
        }
        (self.locks[name].token, self.removed[name]) = (token.get(), false);
        self.leases.push((name, self.locks[name].holder, token.get()));
        Ok(())
    }

    /// Whether this is the truth about the lock, or about the lease that has ended and cannot be taken over yet.
    fn check(&self, name: usize, told: Option<&LockInfo>) -> Result<(), String> {
        let (lock, grace) = (&self.locks[name], self.world.grace());
        let Some(info) = told else { return same(&false, &lock.is_live(self.now)) };
        let Some(ends) = lock.ends else { return Err(format!("{info:?} of a free lock")) };
        same(&(&info.name, info.holder), &(&self.names[name], id(name, lock.holder)))?;
        same(&(info.token.get(), info.holder_info()), &(lock.token, self::info(lock.holder)))?;
        for (told, ends) in [(info.remaining, ends), (info.takeover_in, ends + grace)] {
            let wanted = Duration::from_millis(ends.saturating_sub(self.now));
            if told.abs_diff(wanted) > Duration::from_millis(self.world.slack()) {
                return Err(format!("{told:?} are left, not {wanted:?}"));
            }
        }
        Ok(())
    }

    async fn pass(&mut self, mut ms: u64) {
        let (slack, grace) = (self.world.slack(), self.world.grace());
        let ends: Vec<u64> =
            self.locks.iter().filter_map(|lock| lock.ends).flat_map(|end| [end, end + grace]).collect();
        while ends.iter().any(|end| end.abs_diff(self.now + ms) < slack) {
            ms += slack;
        }
        self.world.pass(ms).await;
        self.now += ms;
    }
}
