//! A call, what was there before it, what others do meanwhile, and what must be left of it: nothing.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use shylock_core::{AsyncLock, AsyncLockGuard, LockManager};
use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep, timeout},
};

use crate::support::{Fault, Faulty, Op, ms, s};

const TTL: Duration = s(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
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

pub(crate) const VERBS: [Verb; 15] = [
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
pub(crate) struct Scene {
    pub(crate) store: Faulty,
    here: LockManager,
    there: LockManager,
}

pub(crate) type Call = Pin<Box<dyn Future<Output = Option<AsyncLockGuard>>>>;
pub(crate) type Others = Vec<JoinHandle<()>>;

impl Scene {
    pub(crate) fn new() -> Self {
        let store = Faulty::default();
        let manager = || LockManager::builder(store.clone()).ttl(TTL).build().expect("options");
        Self { here: manager(), there: manager(), store }
    }

    fn lock(&self) -> AsyncLock {
        self.here.lock("x")
    }

    /// What was there before, without any fault.
    pub(crate) async fn before(&self, verb: Verb) -> Option<AsyncLockGuard> {
        let holder = match verb {
            Verb::ForceBreak | Verb::BehindRemote => &self.there,
            Verb::Close | Verb::BehindLocal | Verb::BehindTwo | Verb::HandedOver => &self.here,
            _ => return None,
        };
        Some(holder.lock("x").acquire().await.expect("granted"))
    }

    /// The call, and what others do meanwhile.
    pub(crate) async fn begin(&self, verb: Verb, before: Option<AsyncLockGuard>) -> (Call, Others) {
        let (lock, here) = (self.lock(), self.here.clone());
        let mut others = Vec::new();
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
                others.push(give_back(before, s(1)));
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
                others.push(give_back(before, ms(20)));
                Box::pin(async move { lock.acquire().await.ok() })
            }
            Verb::BehindTwo => {
                others.push(give_back(before, ms(20)));
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
    pub(crate) async fn check(&self, verb: Verb, others: Others, trouble: Option<(Op, Fault)>, what: &str) -> u32 {
        // A ticket that nobody resumes is a lease that runs out.
        let bound = if verb == Verb::Resume { TTL + s(5) } else { bound(trouble.map(|(_, fault)| fault)) };
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

fn give_back(guard: Option<AsyncLockGuard>, pause: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        sleep(pause).await;
        drop(guard);
    })
}

/// How long the lock may be held after the call is gone: a round trip and a repetition, or the lease.
fn bound(fault: Option<Fault>) -> Duration {
    match fault {
        Some(Fault::Delays(time) | Fault::AnswersLate(time)) if time < ms(100) => ms(500),
        None | Some(Fault::Refuses(_) | Fault::LosesAnswer | Fault::LosesRequest) => ms(1000),
        Some(Fault::Hangs | Fault::HangsAfter | Fault::Permanent | Fault::Corrupt) => TTL + s(1),
        Some(Fault::Delays(_) | Fault::AnswersLate(_) | Fault::LosesAnswerLate(_)) => TTL + s(5),
    }
}

pub(crate) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
