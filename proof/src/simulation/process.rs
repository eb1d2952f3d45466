//! [`Process`]: a manager and its users, which can be paused, cut off and killed.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shylock_core::{LockManager, LockName};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    chance::Chance,
    connection::Connection,
    gate::Gate,
    user::use_locks,
    world::{World, lock},
};

/// A simulated process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) number: u32,
    pub(super) world: Arc<World>,
    state: Gate<State>,
    cut_off: AtomicBool,
    manager: OnceLock<LockManager>,
    users: Mutex<Vec<JoinHandle<()>>>,
    streams: Mutex<Vec<mpsc::Sender<LockName>>>,
    silent: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Paused,
    Dead,
}

/// How long a call may take in a simulation that does not wait for a lock.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an acquisition puts up with a store that does not answer.
const OUTAGE_LIMIT: Duration = Duration::from_secs(4);

impl Process {
    /// Starts a process with its users.
    pub(super) fn start(world: &Arc<World>) -> Arc<Self> {
        let number = u32::try_from(world.number()).unwrap_or(u32::MAX);
        let process = Arc::new(Self {
            number,
            world: Arc::clone(world),
            state: Gate::new(State::Running),
            cut_off: AtomicBool::new(false),
            manager: OnceLock::new(),
            users: Mutex::default(),
            streams: Mutex::default(),
            silent: AtomicBool::new(false),
        });
        let connection = Connection::new(&process, Chance::of(world.plan.seed, u64::from(number) << 8));
        let builder = LockManager::builder(connection)
            .ttl(world.plan.ttl)
            .label(number.to_string())
            .call_timeout(CALL_TIMEOUT)
            .outage_limit(OUTAGE_LIMIT);
        process.manager.get_or_init(|| builder.build().unwrap_or_else(|error| panic!("{error}")));
        for user in 1..=world.plan.users {
            let chance = Chance::of(world.plan.seed, (u64::from(number) << 8) + user);
            process.run(use_locks(Arc::clone(&process), chance));
        }
        world.add(&process);
        process
    }

    pub(super) fn manager(&self) -> &LockManager {
        self.manager.get().unwrap_or_else(|| unreachable!("it is made at the start"))
    }

    /// Runs something as a part of this process.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        if !self.is_dead() {
            lock(&self.users).push(tokio::spawn(task));
        }
    }

    /// Waits for all of its tasks.
    pub(super) async fn finished(&self) {
        loop {
            let Some(task) = lock(&self.users).pop() else { return };
            if let Err(error) = task.await
                && error.is_panic()
            {
                self.world.violated(format!("process {}: {error}", self.number));
            }
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state.state() == State::Dead
    }

    /// From now on nothing that it does reaches anybody.
    pub(super) fn kill(&self) {
        self.state.set(State::Dead);
        self.world.beliefs.forget(self.number);
        lock(&self.users).drain(..).for_each(|task| task.abort());
        lock(&self.streams).clear();
    }

    /// Its users stand still, and nothing reaches it or leaves it.
    pub(super) fn pause(&self) {
        self.change(State::Running, State::Paused);
    }

    pub(super) fn resume(&self) {
        self.change(State::Paused, State::Running);
    }

    fn change(&self, from: State, to: State) {
        if self.state.state() == from {
            self.state.set(to);
        }
    }

    /// Waits while it is paused; for ever once it is dead.
    pub(super) async fn running(&self) {
        self.state.until(State::Running).await;
    }

    pub(super) fn cut_off(&self, cut_off: bool) {
        self.cut_off.store(cut_off, Ordering::Relaxed);
    }

    /// Whether it reaches the server.
    pub(super) fn reaches_server(&self) -> bool {
        !self.cut_off.load(Ordering::Relaxed) && !self.world.down.load(Ordering::Relaxed)
    }

    pub(super) fn listens(&self) -> mpsc::Receiver<LockName> {
        let (tell, told) = mpsc::channel(64);
        lock(&self.streams).push(tell);
        told
    }

    /// Tells it that a lock has come free, unless its stream keeps silent for now.
    pub(super) fn tell(&self, name: &LockName) {
        if !self.silent.load(Ordering::Relaxed) && self.reaches_server() {
            lock(&self.streams).retain(|stream| stream.try_send(name.clone()).is_ok());
        }
    }

    pub(super) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    /// Ends its streams.
    pub(super) fn cut_streams(&self) {
        lock(&self.streams).clear();
    }
}
