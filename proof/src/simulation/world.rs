//! [`World`]: what all processes of a simulation share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{self, Instant};

use super::{
    belief::Beliefs,
    chance::Chance,
    gate::Gate,
    plan::{Kind, Plan},
    process::Process,
    resource::Resource,
    server::Server,
};
use crate::history::{Event, What};

/// What all processes of a simulation share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) plan: Plan,
    begun: Instant,
    server: Mutex<Server>,
    /// No node is primary.
    pub(super) down: AtomicBool,
    healed: Gate<bool>,
    /// Each event, with the number of the write that it stands and falls with; zero: with none.
    events: Mutex<Vec<(u64, Event)>>,
    pub(super) beliefs: Beliefs,
    pub(super) resource: Mutex<Resource>,
    processes: Mutex<Vec<Arc<Process>>>,
    faults: Mutex<BTreeMap<Kind, u64>>,
    violations: Mutex<Vec<String>>,
    numbers: AtomicU64,
}

impl World {
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        let chance = Chance::of(plan.seed, u64::MAX - 1);
        let server = Server::new(&plan, [(); 3].map(|()| skewed(&plan, &chance)));
        let resource = Mutex::new(Resource::new(plan.bug));
        Arc::new(Self {
            plan,
            begun: Instant::now(),
            server: Mutex::new(server),
            down: AtomicBool::new(false),
            healed: Gate::new(false),
            events: Mutex::default(),
            beliefs: Beliefs::default(),
            resource,
            processes: Mutex::default(),
            faults: Mutex::default(),
            violations: Mutex::default(),
            numbers: AtomicU64::new(1),
        })
    }

    /// Since the simulation began.
    pub(super) fn at(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A number that was not used before.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The server, as a request finds it that arrives now.
    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        let mut server = lock(&self.server);
        server.arrive(self.at());
        server
    }

    pub(super) fn is_healed(&self) -> bool {
        self.healed.state()
    }

    pub(super) fn heal(&self) {
        self.healed.set(true);
    }

    /// Waits, but not beyond the end of all disturbance.
    pub(super) async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            drop(time::timeout(time, self.until_healed()).await);
        }
    }

    pub(super) async fn until_healed(&self) {
        self.healed.until(true).await;
    }

    pub(super) fn record(&self, process: u32, lock: &str, what: What) {
        self.record_with(0, process, lock, what);
    }

    /// Records what is undone when this write does not survive.
    pub(super) fn record_with(&self, write: u64, process: u32, about: &str, what: What) {
        let at = u64::try_from(self.at().as_nanos()).unwrap_or(u64::MAX);
        lock(&self.events).push((write, Event { at, process, lock: about.to_owned(), what }));
    }

    /// Notes a disturbance that has no length.
    pub(super) fn disturb(&self, kind: Kind) {
        *lock(&self.faults).entry(kind).or_default() += 1;
    }

    /// Notes that a disturbance begins.
    pub(super) fn begin(&self, kind: Kind, process: u32, detail: String) {
        self.disturb(kind);
        self.record(process, "", What::Fault { kind: kind.name(), detail });
    }

    pub(super) fn end(&self, kind: Kind, process: u32) {
        self.record(process, "", What::Healed { kind: kind.name() });
    }

    pub(super) fn violated(&self, what: String) {
        lock(&self.violations).push(what);
    }

    pub(super) fn add(&self, process: &Arc<Process>) {
        lock(&self.processes).push(Arc::clone(process));
    }

    /// The processes that live.
    pub(super) fn living(&self) -> Vec<Arc<Process>> {
        lock(&self.processes).iter().filter(|process| !process.is_dead()).cloned().collect()
    }

    /// Lets go of all processes, which have this world in turn.
    pub(super) fn clear(&self) {
        lock(&self.processes).clear();
    }

    /// The history, without what no majority ever had.
    pub(super) fn history(&self) -> Vec<Event> {
        let server = lock(&self.server);
        let events = std::mem::take(&mut *lock(&self.events));
        events.into_iter().filter(|(write, _)| !server.is_cut(*write)).map(|(_, event)| event).collect()
    }

    pub(super) fn violations(&self) -> Vec<String> {
        let mut all = std::mem::take(&mut *lock(&self.violations));
        all.extend(lock(&self.server).wrongs().iter().map(|wrong| format!("the simulated store itself: {wrong}")));
        all
    }

    pub(super) fn faults(&self) -> BTreeMap<Kind, u64> {
        lock(&self.faults).clone()
    }
}

/// How far a clock is ahead, in milliseconds.
pub(super) fn skewed(plan: &Plan, chance: &Chance) -> i64 {
    let most = i64::try_from(plan.skew.as_millis()).unwrap_or_default();
    let extreme = chance.per_mille(500);
    let size = chance.below(u64::try_from(most).unwrap_or_default() + 1);
    let size = if extreme { most } else { i64::try_from(size).unwrap_or_default() };
    if chance.per_mille(500) { size } else { -size }
}

/// A simulation runs on one thread, so that nobody ever waits for this.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
