//! The whole library under faults at random: exclusion, and nobody's work is lost.

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arango_server::{ArangoServer, Failure, Fault, FaultHandle, Level, Point, Rights};
use shylock_arango::ArangoBackend;
use shylock_core::{AsyncLock, LockManager};
use tokio::task::JoinSet;

use super::{
    audit::{self, Version},
    lab::{DATABASE, LOCKS, connect},
    operations::Operation,
    script::POINTS,
};

/// With this variable, the faults are those of an earlier run. Which request each of them meets is still open.
const SEED: &str = "SHYLOCK_TEST_SEED";
const WORKERS: usize = 4;
const TURNS: usize = 50;
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);
const NAME: &str = "counter";

/// xorshift: the same numbers for the same seed, which is all that is wanted of them.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("small")).expect("smaller")
    }

    /// With numbers of its own.
    fn another(&mut self) -> Self {
        self.below(1);
        Self(self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn fault(&mut self) -> (&'static str, Fault) {
        let at = Fault::at(self.one_of(&POINTS));
        let (name, fault) = match self.below(8) {
            0 => ("close", at.closes()),
            1 => ("cut", at.cuts_the_answer()),
            2 => ("half", at.truncates_the_answer()),
            3 => ("proxy", at.answers(503, "text/html", "<html>")),
            4 => ("delay", at.delays(Duration::from_millis(30))),
            5 => ("stall", at.delays(PATIENCE + Duration::from_millis(100))),
            // Not after the commit, where the real server has no way to say so.
            6 => ("contention", Fault::at(Point::Locked).fails(Failure::of(self.one_of(&[1200, 1210, 18, 29])))),
            _ => ("unavailable", at.fails(Failure::of(self.one_of(&[503, 1495, 1500, 30])))),
        };
        let operation = self.one_of(&[Operation::Take, Operation::Renew, Operation::Release, Operation::HandOff]);
        (name, fault.on_query(operation.marker()))
    }
}

/// What the lock guards: it is wrong as soon as two have it at once.
#[derive(Default)]
struct Counter {
    value: AtomicU64,
    is_taken: AtomicBool,
}

impl Counter {
    /// Reads and writes it, with room for others in between.
    async fn increment(&self) {
        assert!(!self.is_taken.swap(true, Ordering::SeqCst), "two at once");
        let seen = self.value.load(Ordering::SeqCst);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.value.store(seen + 1, Ordering::SeqCst);
        self.is_taken.store(false, Ordering::SeqCst);
    }
}

struct Worker {
    lock: AsyncLock,
    counter: Arc<Counter>,
    server: Arc<ArangoServer>,
    is_first: bool,
}

impl Worker {
    async fn work(self, mut dice: Dice) -> Vec<(&'static str, FaultHandle)> {
        let mut scripted = Vec::new();
        for turn in 0..TURNS {
            // By one worker and not too often: whose login expires twice in a row is told that he has no rights.
            if self.is_first && turn % 10 == 9 {
                self.server.expire_sessions();
            }
            if dice.below(2) == 0 {
                let (name, fault) = dice.fault();
                scripted.push((name, self.server.fault(fault)));
            }
            while !self.turn().await {}
        }
        scripted
    }

    /// Whether it was one.
    async fn turn(&self) -> bool {
        let guard = self.lock.acquire_timeout(Duration::from_secs(30)).await.expect("granted in the end");
        // Finding out that it was granted may have taken as long as the lease.
        if !guard.is_held() {
            return false;
        }
        self.counter.increment().await;
        guard.release().await.expect("released in the end");
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_under_faults_at_random() {
    let fresh = || u64::from(getrandom::u32().expect("random numbers"));
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh);
    println!("{SEED}={seed}");
    let rights = Rights::new(Level::ReadWrite);
    let builder = ArangoServer::builder().coordinators(&[0, 100]).user("root", shylock_tests::CANARY, rights);
    shylock_tests::trace();
    let server = Arc::new(builder.start().expect("a server"));
    let counter = Arc::new(Counter::default());
    // No seed of theirs may be 0.
    let (mut dice, mut workers) = (Dice(seed | 1 << 40), JoinSet::new());
    let options = || ArangoBackend::builder().request_timeout(PATIENCE);
    let backends = [connect(&server, 0, options()).await, connect(&server, 1, options()).await];
    for (process, backend) in backends.into_iter().enumerate() {
        let manager = LockManager::builder(backend)
            .ttl(Duration::from_secs(3))
            .label(format!("process {process}"))
            .poll_limits(Duration::from_millis(10), Duration::from_millis(100));
        let manager = manager.build().expect("valid options");
        for _ in 0..WORKERS / 2 {
            let worker = Worker {
                lock: manager.lock(NAME),
                counter: Arc::clone(&counter),
                server: Arc::clone(&server),
                is_first: workers.is_empty(),
            };
            workers.spawn(worker.work(dice.another()));
        }
    }
    let mut hits = BTreeMap::<&str, u64>::new();
    for (name, fault) in workers.join_all().await.into_iter().flatten() {
        *hits.entry(name).or_default() += fault.hits();
    }
    server.clear_faults();
    let history = server.history(DATABASE, LOCKS, NAME);
    let logins = server.counters().logins;
    println!("{} versions; {logins} logins; faults that happened: {hits:?}", history.len());
    assert!(hits.values().sum::<u64>() >= 20 && logins > 2, "{hits:?}");
    assert_eq!(counter.value.load(Ordering::SeqCst), u64::try_from(WORKERS * TURNS).expect("small"));
    // Only within a process is a lock handed on.
    let handed_on = |before: &Version, after: &Version| before.host.is_some() && before.host == after.host;
    assert_eq!(audit::exclusive(&history, handed_on), Ok(()));
}
