//! P8, all of it: each call is dropped at each step of its way, on a store that has each fault in each of its operations,
//! and nothing is left behind.
//!
//! A step is one turn of all tasks, and now and then a piece of time. At each, the call is polled, or has been polled
//! only once: both a future that its user drives and one that loses a race are dropped.

mod support;

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use shylock_core::{AsyncLock, AsyncLockGuard, LockManager};
use support::{Fault, Faulty, Op, ms, s};
use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep, timeout},
};

const TTL: Duration = s(3);
const MOST_STEPS: usize = 200;
/// So many combinations of a call, a fault and a step there were when this was written. Fewer would mean that it does not
/// reach them any more.
const AT_LEAST: usize = 20_000;

const FAULTS: [Fault; 13] = [
    Fault::Hangs,
    Fault::HangsAfter,
    Fault::Delays(ms(7)),
    Fault::Delays(ms(700)),
    Fault::Delays(s(4)),
    Fault::AnswersLate(ms(7)),
    Fault::AnswersLate(ms(700)),
    Fault::AnswersLate(s(4)),
    Fault::Refuses(None),
    Fault::Refuses(Some(ms(300))),
    Fault::LosesAnswer,
    Fault::LosesRequest,
    Fault::Permanent,
];
const OPS: [Op; 6] = [Op::Acquire, Op::Renew, Op::Release, Op::HandOff, Op::Look, Op::Watch];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Acquire,
    TryAcquire,
    AcquireTimeout,
    With,
    Renew,
    Release,
    Resume,
    Inspect,
    List,
    ForceBreak,
    Close,
    /// Somebody of this process holds the lock, and gives it back.
    BehindLocal,
    /// The same, and another one is in front.
    BehindTwo,
    /// Somebody of another process holds the lock, and gives it back.
    BehindRemote,
    /// It is handed over from the first step on.
    HandedOver,
}

const VERBS: [Verb; 15] = [
    Verb::Acquire,
    Verb::TryAcquire,
    Verb::AcquireTimeout,
    Verb::With,
    Verb::Renew,
    Verb::Release,
    Verb::Resume,
    Verb::Inspect,
    Verb::List,
    Verb::ForceBreak,
    Verb::Close,
    Verb::BehindLocal,
    Verb::BehindTwo,
    Verb::BehindRemote,
    Verb::HandedOver,
];

/// Two processes and their store.
struct Scene {
    store: Faulty,
    here: LockManager,
    there: LockManager,
}

type Call = Pin<Box<dyn Future<Output = Option<AsyncLockGuard>>>>;
type Others = Vec<JoinHandle<()>>;

impl Scene {
    fn new() -> Self {
        let store = Faulty::default();
        let manager = || LockManager::builder(store.clone()).ttl(TTL).build().expect("options");
        Self { here: manager(), there: manager(), store }
    }

    fn lock(&self) -> AsyncLock {
        self.here.lock("x")
    }

    /// What was there before, without any fault.
    async fn before(&self, verb: Verb) -> Option<AsyncLockGuard> {
        let holder = match verb {
            Verb::ForceBreak | Verb::BehindRemote => &self.there,
            Verb::Close | Verb::BehindLocal | Verb::BehindTwo | Verb::HandedOver => &self.here,
            _ => return None,
        };
        Some(holder.lock("x").acquire().await.expect("granted"))
    }

    /// The call, and what others do meanwhile.
    async fn begin(&self, verb: Verb, before: Option<AsyncLockGuard>) -> (Call, Others) {
        let (lock, here) = (self.lock(), self.here.clone());
        let mut others = Vec::new();
        let give_back = |pause: Duration| {
            tokio::spawn(async move {
                sleep(pause).await;
                drop(before);
            })
        };
        let call: Call = match verb {
            Verb::Acquire => Box::pin(async move { lock.acquire().await.ok() }),
            Verb::TryAcquire => Box::pin(async move { lock.try_acquire().await.ok().flatten() }),
            Verb::AcquireTimeout => Box::pin(async move { lock.acquire_timeout(s(2)).await.ok() }),
            Verb::With => Box::pin(async move {
                drop(lock.with(async |guard| guard.renew().await).await);
                None
            }),
            Verb::Renew => Box::pin(async move {
                let guard = lock.acquire().await.ok()?;
                drop(guard.renew().await);
                Some(guard)
            }),
            Verb::Release => Box::pin(async move {
                drop(lock.acquire().await.ok()?.release().await);
                None
            }),
            Verb::Resume => Box::pin(async move {
                let ticket = lock.acquire().await.ok()?.detach();
                here.resume(ticket).await.ok()
            }),
            Verb::Inspect => Box::pin(async move {
                drop(here.inspect("x").await);
                None
            }),
            Verb::List => Box::pin(async move {
                drop(here.list("").await);
                None
            }),
            Verb::ForceBreak => {
                others.push(give_back(s(1)));
                Box::pin(async move {
                    drop(here.force_break("x").await);
                    None
                })
            }
            Verb::Close => {
                drop(before);
                Box::pin(async move {
                    here.close().await;
                    None
                })
            }
            Verb::BehindLocal | Verb::BehindRemote => {
                others.push(give_back(ms(20)));
                Box::pin(async move { lock.acquire().await.ok() })
            }
            Verb::BehindTwo => {
                others.push(give_back(ms(20)));
                let first = self.lock();
                others.push(tokio::spawn(async move { drop(first.acquire().await) }));
                yield_now().await;
                Box::pin(async move { lock.acquire().await.ok() })
            }
            Verb::HandedOver => {
                let mut call: Call = Box::pin(async move { lock.acquire().await.ok() });
                assert!(poll_once(call.as_mut()).await.is_none(), "it is held");
                for _ in 0..5 {
                    yield_now().await;
                }
                drop(before);
                call
            }
        };
        (call, others)
    }

    /// Nothing is left of a call that is gone. Answers how often the operation was called by it.
    async fn check(&self, others: Others, trouble: Option<(Op, Fault)>, what: &str) -> u32 {
        let bound = bound(trouble.map(|(_, fault)| fault));
        for other in others {
            let done = timeout(bound + s(2), other).await;
            done.unwrap_or_else(|_| panic!("{what}: another is stuck")).expect("no panic");
        }
        let since = Instant::now();
        while self.store.holder("x").await.is_some() {
            assert!(since.elapsed() <= bound, "{what}: it is still held after {bound:?}");
            sleep(ms(1)).await;
        }
        let calls = trouble.map_or(1, |(op, _)| self.store.calls(op));
        self.store.heal();
        for manager in [&self.here, &self.there] {
            // One round trip of a request that was given up may be in the way, and whoever is told asks after 5 s.
            let next = timeout(s(6), manager.lock("x").acquire()).await;
            let next = next.unwrap_or_else(|_| panic!("{what}: nobody gets it any more")).expect("granted");
            next.release().await.expect("released");
        }
        self.store.hang_up();
        for manager in [&self.here, &self.there] {
            timeout(s(10), manager.close()).await.unwrap_or_else(|_| panic!("{what}: something is under way for ever"));
        }
        let holder = self.store.holder("x").await;
        assert!(holder.is_none(), "{what}: held in the end by {holder:?}");
        calls
    }
}

/// How long the lock may be held after the call is gone: a round trip and a repetition, or the lease.
fn bound(fault: Option<Fault>) -> Duration {
    match fault {
        Some(Fault::Delays(time) | Fault::AnswersLate(time)) if time < ms(100) => ms(500),
        None | Some(Fault::Refuses(_) | Fault::LosesAnswer | Fault::LosesRequest) => ms(1000),
        Some(Fault::Hangs | Fault::HangsAfter | Fault::Permanent) => TTL + s(1),
        Some(Fault::Delays(_) | Fault::AnswersLate(_)) => TTL + s(5),
    }
}

async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn step(number: usize) {
    match number {
        0..12 => yield_now().await,
        12..24 if number % 4 > 0 => yield_now().await,
        12..40 => sleep(ms(1)).await,
        40..70 => sleep(ms(25)).await,
        _ => sleep(ms(250)).await,
    }
}

/// Goes so many steps, then drops the call. Answers whether it was finished by then.
async fn drop_after(steps: usize, polls: bool, call: Call) -> bool {
    let mut call = pin!(call);
    for number in 0..=steps {
        if (polls || number == 0) && poll_once(call.as_mut()).await.is_some() {
            return true;
        }
        if number < steps {
            step(number).await;
        }
    }
    false
}

/// One run. Answers whether the call was finished, and whether the fault was met.
async fn run(verb: Verb, trouble: Option<(Op, Fault)>, steps: usize, polls: bool) -> (bool, bool) {
    let scene = Scene::new();
    let before = scene.before(verb).await;
    let met_before = trouble.map_or(0, |(op, _)| scene.store.calls(op));
    if let Some((op, fault)) = trouble {
        scene.store.next(1, op, fault);
    }
    let (call, others) = scene.begin(verb, before).await;
    let finished = drop_after(steps, polls, call).await;
    let what = format!("{verb:?} with {trouble:?} after {steps} steps, polled: {polls}");
    (finished, scene.check(others, trouble, &what).await > met_before)
}

/// Drops the call after each number of steps, until it is finished by then. Answers how many there were.
async fn sweep(verb: Verb, trouble: Option<(Op, Fault)>) -> usize {
    // Whoever does not get there at all does not meet the fault.
    let (_, meets) = run(verb, trouble, MOST_STEPS, true).await;
    if !meets {
        return 0;
    }
    let mut covered = 0;
    for steps in 0..MOST_STEPS {
        let (finished, _) = run(verb, trouble, steps, true).await;
        covered += 1;
        if finished {
            break;
        }
        run(verb, trouble, steps, false).await;
        covered += 1;
    }
    covered
}

#[tokio::test(start_paused = true)]
async fn dropped_at_each_step_on_each_fault_of_each_operation() {
    let mut all = 0;
    let mut pairs: BTreeMap<Verb, usize> = BTreeMap::new();
    let troubles = OPS.into_iter().flat_map(|op| FAULTS.into_iter().map(move |fault| Some((op, fault))));
    let troubles: Vec<_> = std::iter::once(None).chain(troubles).collect();
    for verb in VERBS {
        for trouble in &troubles {
            let covered = sweep(verb, *trouble).await;
            all += covered;
            *pairs.entry(verb).or_default() += usize::from(covered > 0);
        }
    }
    println!("{all} combinations of a call, a fault and a step; faults met by each call: {pairs:?}");
    assert!(all >= AT_LEAST, "only {all} combinations");
    assert!(pairs.values().all(|faults| *faults >= 14), "each call meets the faults of one operation at least");
}
