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

/// With this variable, the faults are those of an earlier run.
const SEED: &str = "SHYLOCK_TEST_SEED";
const WORKERS: usize = 4;
const TURNS: usize = 50;
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

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn fault(&mut self) -> (&'static str, Fault) {
        let at = Fault::at(self.one_of(&POINTS));
        let (name, fault) = match self.below(9) {
            0 => ("close", at.closes()),
            1 => ("cut", at.cuts_the_answer()),
            2 => ("half", at.truncates_the_answer()),
            3 => ("proxy", at.answers(503, "text/html", "<html>")),
            4 => ("delay", at.delays(Duration::from_millis(30))),
            // Longer than the client waits.
            5 => ("stall", at.delays(Duration::from_millis(400))),
            6 => ("expired login", Fault::at(Point::Received).fails(Failure::of(11))),
            // Not after the commit, where the real server has no way to say so.
            7 => ("contention", Fault::at(Point::Locked).fails(Failure::of(self.one_of(&[1200, 1210, 18, 29])))),
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

async fn work(
    lock: AsyncLock,
    counter: Arc<Counter>,
    server: Arc<ArangoServer>,
    mut dice: Dice,
) -> Vec<(&'static str, FaultHandle)> {
    let mut scripted = Vec::new();
    for _ in 0..TURNS {
        if dice.below(2) == 0 {
            let (name, fault) = dice.fault();
            scripted.push((name, server.fault(fault)));
        }
        loop {
            let guard = lock.acquire_timeout(Duration::from_secs(30)).await.expect("granted in the end");
            // So much was spent on finding out that it was granted, perhaps, that the lease is over.
            if !guard.is_held() {
                continue;
            }
            counter.increment().await;
            guard.release().await.expect("released in the end");
            break;
        }
    }
    scripted
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_under_faults_at_random() {
    let fresh = || u64::from(getrandom::u32().expect("random numbers"));
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh);
    println!("{SEED}={seed}");
    let rights = Rights::new(Level::ReadWrite);
    let builder = ArangoServer::builder().coordinators(&[0, 100]).user("root", "of a test", rights);
    let server = Arc::new(builder.start().expect("a server"));
    let counter = Arc::new(Counter::default());
    let mut workers = JoinSet::new();
    for coordinator in 0..2 {
        let options = ArangoBackend::builder().request_timeout(Duration::from_millis(300));
        let backend = connect(&server, coordinator, options).await;
        let manager = LockManager::builder(backend)
            .ttl(Duration::from_secs(3))
            .label(format!("process {coordinator}"))
            .poll_limits(Duration::from_millis(10), Duration::from_millis(100));
        let manager = manager.build().expect("valid options");
        for worker in 0..WORKERS / 2 {
            let number = u64::try_from(2 * coordinator + worker).expect("small");
            let dice = Dice(
                (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(16 * u32::try_from(number).expect("small")),
            );
            workers.spawn(work(manager.lock(NAME), Arc::clone(&counter), Arc::clone(&server), dice));
        }
    }
    let mut hits = BTreeMap::<&str, u64>::new();
    for (name, fault) in workers.join_all().await.into_iter().flatten() {
        *hits.entry(name).or_default() += fault.hits();
    }
    server.clear_faults();
    let history = server.history(DATABASE, LOCKS, NAME);
    println!("{} versions; faults that happened: {hits:?}", history.len());
    assert!(hits.values().sum::<u64>() >= 20, "{hits:?}");
    assert_eq!(counter.value.load(Ordering::SeqCst), u64::try_from(WORKERS * TURNS).expect("small"));
    // Only within a process is a lock handed on.
    let handed_on = |before: &Version, after: &Version| before.host.is_some() && before.host == after.host;
    assert_eq!(audit::sound(&history, handed_on), Ok(()));
}
