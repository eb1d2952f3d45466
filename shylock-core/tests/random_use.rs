//! Random use by many tasks of one or two managers, in every way in which a lock can be acquired, given up and given back.
//! Nobody holds the lock for more than some milliseconds, so that whoever sleeps for seconds beside a free lock is found.
//! `SEEDS=1500` runs more of them than usual.

#[allow(unreachable_pub, dead_code, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/stopwatch.rs"]
mod stopwatch;
mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use shylock_core::{AsyncLockGuard, LockManager, Result};
use stopwatch::Stopwatch;
use support::{Fault, Faulty, Op, ms, s};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};

const ROUNDS: u32 = 40;

/// Numbers that a seed decides (xorshift).
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)))
    }

    fn roll(&self, below: u64) -> u64 {
        let mut state = self.0.lock().expect("no panic in here");
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) % below
    }

    async fn pause(&self) {
        match self.roll(4) {
            0 => {}
            1 => tokio::task::yield_now().await,
            _ => sleep(ms(self.roll(5))).await,
        }
    }
}

/// What all tasks of a run share.
#[derive(Clone)]
struct Run {
    dice: Dice,
    inside: Arc<AtomicBool>,
    last: Arc<AtomicU64>,
    longest: Arc<Mutex<Duration>>,
    faults: bool,
    /// On several threads, where time is not paused, and the machine may be busy with others.
    threads: bool,
}

impl Run {
    async fn use_the_lock(self, manager: LockManager) {
        for _ in 0..ROUNDS {
            let since = Instant::now();
            let guard = self.acquire(&manager).await;
            let waited = since.elapsed();
            self.longest.lock().map(|mut longest| *longest = waited.max(*longest)).expect("no panic in here");
            assert!(self.faults || guard.is_ok(), "{guard:?}");
            if let Ok(Some(guard)) = guard {
                assert!(!self.inside.swap(true, Ordering::SeqCst), "two at once");
                self.dice.pause().await;
                let token = guard.token().get();
                assert!(self.last.swap(token, Ordering::SeqCst) < token, "tokens grow");
                self.inside.store(false, Ordering::SeqCst);
                self.give_back(guard, &manager).await;
            }
            self.dice.pause().await;
        }
    }

    async fn acquire(&self, manager: &LockManager) -> Result<Option<AsyncLockGuard>> {
        let (lock, dice) = (manager.lock("x"), &self.dice);
        match dice.roll(6) {
            0 => timeout(ms(dice.roll(20)), lock.acquire()).await.ok().transpose(),
            1 => {
                let (since, watch) = (Instant::now(), self.threads.then(Stopwatch::start));
                let guard = lock.acquire_timeout(ms(1 + dice.roll(20))).await;
                let took = watch.map_or_else(|| since.elapsed(), |watch| watch.took());
                assert!(took <= ms(400), "acquire_timeout took {took:?}");
                Ok(guard.ok())
            }
            2 => lock.try_acquire().await,
            3 => {
                let task = tokio::spawn(async move { drop(lock.acquire().await) });
                dice.pause().await;
                task.abort();
                drop(task.await);
                Ok(None)
            }
            _ => lock.acquire().await.map(Some),
        }
    }

    async fn give_back(&self, guard: AsyncLockGuard, manager: &LockManager) {
        let done = match self.dice.roll(5) {
            0 => {
                drop(guard);
                Ok(())
            }
            1 => timeout(ms(self.dice.roll(3)), guard.release()).await.unwrap_or(Ok(())),
            2 => manager.resume(guard.detach()).await.map(drop),
            _ => guard.release().await,
        };
        assert!(self.faults || done.is_ok(), "{done:?}");
    }

    /// Makes the store slow, has it fail, and cuts its streams.
    fn stir(&self, store: &Faulty, delays: bool) -> JoinHandle<()> {
        let (store, dice, kinds) = (store.clone(), self.dice.clone(), if self.faults { 6 } else { 3 });
        tokio::spawn(async move {
            loop {
                sleep(ms(dice.roll(30))).await;
                for op in [Op::Acquire, Op::Release, Op::HandOff, Op::Watch].into_iter().filter(|_| delays) {
                    let fault = match dice.roll(kinds) {
                        0 => Fault::Delays(ms(dice.roll(8))),
                        1 => Fault::AnswersLate(ms(dice.roll(8))),
                        2 => Fault::Delays(ms(0)),
                        3 => Fault::LosesAnswer,
                        4 => Fault::LosesRequest,
                        _ => Fault::Refuses(None),
                    };
                    store.next(u32::try_from(1 + dice.roll(5)).expect("small"), op, fault);
                }
                if dice.roll(40) == 0 {
                    store.cut();
                }
            }
        })
    }
}

/// The longest that anybody waited with this seed.
async fn with_seed(seed: u64, managers: u32, tasks: u32, delays: bool, faults: bool) -> Duration {
    let store = Faulty::default();
    let threads = Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread;
    let (dice, inside, last, longest) = (Dice::new(seed), Arc::default(), Arc::default(), Arc::default());
    let run = Run { dice, inside, last, longest, faults, threads };
    // Without faults nobody looks by itself, so that a wake-up that is lost is lost for good.
    let patient = || LockManager::builder(store.clone()).poll_limits(s(3000), s(3000)).ttl(s(3600)).build();
    let manager = || if faults { store.manager() } else { patient().expect("options") };
    let managers: Vec<_> = (0..managers).map(|_| manager()).collect();
    let mut all = JoinSet::new();
    for manager in &managers {
        (0..tasks).for_each(|_| drop(all.spawn(run.clone().use_the_lock(manager.clone()))));
    }
    let stirring = run.stir(&store, delays);
    while let Some(done) = all.join_next().await {
        done.unwrap_or_else(|panic| panic!("seed {seed}: {panic}"));
    }
    stirring.abort();
    store.heal();
    for manager in &managers {
        timeout(s(4000), manager.close()).await.unwrap_or_else(|_| panic!("seed {seed}: it does not close"));
    }
    assert_eq!(store.holder("x").await, None, "seed {seed}");
    *run.longest.lock().expect("no panic in here")
}

async fn many(seeds: u64, managers: u32, tasks: u32, delays: bool, faults: bool, most: Duration) {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(seeds);
    for seed in 1..=seeds {
        let longest = with_seed(seed, managers, tasks, delays, faults).await;
        assert!(longest <= most, "seed {seed}: somebody waited for {longest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_manager() {
    many(200, 1, 5, false, false, s(2)).await;
}

#[tokio::test(start_paused = true)]
async fn one_manager_on_a_slow_store() {
    many(200, 1, 5, true, false, s(2)).await;
}

#[tokio::test(start_paused = true)]
async fn two_managers_on_a_slow_store() {
    many(200, 2, 3, true, false, s(4)).await;
}

/// Long waits are those for a lease whose holder could not give it back.
#[tokio::test(start_paused = true)]
async fn two_managers_on_a_store_that_fails() {
    many(100, 2, 3, true, true, s(40)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_manager_on_four_threads() {
    many(10, 1, 6, false, false, s(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_managers_on_four_threads() {
    many(10, 2, 4, false, false, s(8)).await;
}
