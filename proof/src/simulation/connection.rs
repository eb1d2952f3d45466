//! [`Connection`]: a process's way to the server, and all that can happen on it.

use std::{
    fmt,
    future::pending,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, HandOff, HolderId, LeaseKey, ListQuery, LockInfo, LockName,
    ReleaseOutcome, RenewOutcome, Renewal, Watch,
};
use tokio::time;

use super::{
    bug::Bug,
    chance::Chance,
    fate::{Fate, delay, lag, roll},
    process::Process,
    server::Server,
    world::{World, lock},
};

/// The store, as one process reaches it.
pub(super) struct Connection {
    process: Weak<Process>,
    world: Arc<World>,
    chance: Arc<Chance>,
    /// When each acquisition was first sent.
    sent: Arc<std::sync::Mutex<std::collections::BTreeMap<[u8; 16], Duration>>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// What the server does, how late the write is durable.
type Work<T> = Arc<dyn Fn(&mut Server, Duration) -> T + Send + Sync>;

impl Connection {
    pub(super) fn new(process: &Arc<Process>, chance: Chance) -> Self {
        Self {
            process: Arc::downgrade(process),
            world: Arc::clone(&process.world),
            chance: Arc::new(chance),
            sent: Arc::default(),
        }
    }

    /// Sends a request, and waits for what becomes of it.
    async fn call<T: Send + 'static>(
        &self,
        frees: &[LockName],
        work: impl Fn(&mut Server, Duration) -> T + Send + Sync + 'static,
    ) -> Result<T, BackendError> {
        let world = &self.world;
        let Some(process) = self.process.upgrade() else { return pending().await };
        process.running().await;
        let request =
            Request { process: process.number, world: Arc::clone(world), frees: frees.to_vec(), work: Arc::new(work) };
        let fate = roll(world, &self.chance);
        if let Fate::Refused(pause) = fate {
            world.wait(delay(world, &self.chance)).await;
            return self.answer(&process, Err(BackendError::not_applied("refused for now", pause))).await;
        }
        // Who is killed while its request is on its way: it arrives, or not.
        let arrives_anyway = self.chance.per_mille(500);
        world.wait(delay(world, &self.chance)).await;
        if process.is_dead() && !arrives_anyway {
            return pending().await;
        }
        if !process.reaches_server() {
            return self.out_of_reach(&process).await;
        }
        let outcome = match fate {
            Fate::LostRequest => Err(BackendError::ambiguous("the request was lost")),
            Fate::Late(later) => {
                tokio::spawn(async move {
                    request.world.wait(later).await;
                    request.carry_out(Duration::ZERO);
                });
                Err(BackendError::ambiguous("the request was delayed"))
            }
            Fate::Fine | Fate::LostReply | Fate::Twice(_) | Fate::Refused(_) | Fate::Hang => {
                let done = request.carry_out(lag(world, &self.chance));
                if let Fate::Twice(later) = fate {
                    world.wait(later).await;
                    request.carry_out(Duration::ZERO);
                }
                match fate {
                    Fate::LostReply | Fate::Hang => Err(BackendError::ambiguous("the reply was lost")),
                    _ => request.acknowledge(done).await,
                }
            }
        };
        if outcome.is_err() {
            self.silence(matches!(fate, Fate::Hang)).await;
        }
        world.wait(delay(world, &self.chance)).await;
        self.answer(&process, outcome).await
    }

    /// What is lost shows at once, after a while, or when all is over.
    async fn silence(&self, hangs: bool) {
        let world = &self.world;
        match self.chance.below(10) {
            _ if hangs => world.until_healed().await,
            _ if world.plan.is_gentle() => world.wait(self.chance.ms(0, 50)).await,
            0 => world.until_healed().await,
            1..4 => world.wait(self.chance.ms(300, 5000)).await,
            _ => world.wait(self.chance.ms(0, 50)).await,
        }
    }

    async fn out_of_reach<T>(&self, process: &Process) -> Result<T, BackendError> {
        match self.chance.below(3) {
            0 => {
                self.world.wait(self.chance.ms(0, 200)).await;
                self.answer(process, Err(BackendError::not_applied("nobody is there", None))).await
            }
            _ => {
                self.silence(false).await;
                self.answer(process, Err(BackendError::ambiguous("nobody answers"))).await
            }
        }
    }

    /// An answer reaches a process that runs, and no dead one.
    async fn answer<T>(&self, process: &Process, outcome: Result<T, BackendError>) -> Result<T, BackendError> {
        process.running().await;
        outcome
    }

    /// How long ago this acquisition was first sent.
    fn first_sent(&self, holder: HolderId) -> Duration {
        *lock(&self.sent).entry(*holder.as_bytes()).or_insert_with(|| self.world.at())
    }
}

struct Request<T> {
    process: u32,
    world: Arc<World>,
    frees: Vec<LockName>,
    work: Work<T>,
}

struct Done<T> {
    answer: T,
    relies_on: u64,
    durable: Duration,
}

impl<T> Request<T> {
    /// The server does it now.
    fn carry_out(&self, lag: Duration) -> Done<T> {
        let world = &self.world;
        let mut server = world.server();
        let answer = (self.work)(&mut server, lag);
        let (relies_on, durable) = server.relies_on();
        let stored = std::mem::take(&mut server.stored);
        drop(server);
        for (write, name, what) in stored {
            world.record_with(write, self.process, name.as_str(), what);
        }
        for process in world.living() {
            self.frees.iter().for_each(|name| process.tell(name));
        }
        Done { answer, relies_on, durable }
    }

    /// The answer, once a majority has what it relies on.
    async fn acknowledge(&self, done: Done<T>) -> Result<T, BackendError> {
        let world = &self.world;
        if world.plan.bug == Some(Bug::WeakWriteConcern) {
            return Ok(done.answer);
        }
        let left = done.durable.saturating_sub(world.at());
        if !left.is_zero() {
            time::sleep(left).await;
        }
        if world.server().is_cut(done.relies_on) {
            return Err(BackendError::ambiguous("the primary stepped down"));
        }
        Ok(done.answer)
    }
}

#[async_trait]
impl Backend for Connection {
    fn concurrency(&self) -> usize {
        usize::try_from(self.world.plan.serves).unwrap_or(usize::MAX)
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let (request, world, first) = (request.clone(), Arc::clone(&self.world), self.first_sent(request.holder));
        if world.plan.bug == Some(Bug::ChecksThenActs) {
            let name = request.name.clone();
            if self.call(&[], move |server, _| server.is_takeable(&name)).await? {
                let grant = move |server: &mut Server, lag| server.grant(&request, Duration::ZERO, lag, false);
                return self.call(&[], grant).await.map(Attempt::Granted);
            }
        }
        let acquire = move |server: &mut Server, lag| server.try_acquire(&request, world.at() - first, lag);
        self.call(&[], acquire).await
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let leases = leases.to_vec();
        self.call(&[], move |server, lag| server.renew(&leases, lag)).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let names: Vec<_> = leases.iter().map(|lease| lease.name.clone()).collect();
        let leases = leases.to_vec();
        let release = move |server: &mut Server, lag| leases.iter().map(|lease| server.release(lease, lag)).collect();
        self.call(&names, release).await
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let (from, to) = (from.clone(), to.clone());
        self.call(&[], move |server, lag| server.hand_off(&from, &to, lag)).await
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let name = name.clone();
        self.call(&[], move |server, _| server.inspect(&name)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let query = query.clone();
        self.call(&[], move |server, _| server.list(&query)).await
    }

    async fn repair(&self, _: &LockName) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        if !self.world.plan.tells {
            return Ok(Watch::Unsupported);
        }
        self.call(&[], |_, _| ()).await?;
        let Some(process) = self.process.upgrade() else { return pending().await };
        Ok(Watch::Freed(process.listens()))
    }
}
