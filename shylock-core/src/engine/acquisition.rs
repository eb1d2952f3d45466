//! [`Acquisition`]: one holder id, the requests sent under it, and what became of them.
//!
//! Every request runs to its answer, whoever still waits for it. What must never change: a grant is either turned
//! into exactly one [`Held`], or released.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::mpsc, time};

use super::{Engine, held::Held, lease::Lease, pace::Pace, release, renew::Terms};
use crate::{
    AcquireRequest, Attempt, BackendError, Failure, FencingToken, Grant, HandOff, LeaseKey, LockInfo, MIN_TTL,
    clock::Moment,
};

#[derive(Debug)]
pub(crate) struct Acquisition {
    pub(crate) request: AcquireRequest,
    terms: Terms,
    engine: Arc<Engine>,
    ledger: Mutex<Ledger>,
    answers: mpsc::UnboundedSender<Answer>,
}

/// What one request brought.
#[derive(Debug)]
pub(crate) enum Answer {
    Granted(Held),
    Held(LockInfo),
    Failed(BackendError),
}

#[derive(Debug, Default)]
struct Ledger {
    /// Nobody waits any more: grants are to be released.
    abandoned: bool,
    /// The grant that was handed out.
    granted: Option<FencingToken>,
    /// Requests that may still be carried out.
    open: u32,
    /// Those of them that are hand-offs under way.
    handed: u32,
    /// Those of them that will bring no answer.
    doubtful: u32,
    /// When the first of the open ones was sent.
    open_since: Option<Moment>,
}

/// The one who waits for an acquisition. Dropping it withdraws what was asked for.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) acquisition: Arc<Acquisition>,
    pub(crate) answers: mpsc::UnboundedReceiver<Answer>,
}

impl Claim {
    pub(crate) fn new(engine: &Arc<Engine>, request: AcquireRequest, terms: Terms) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        let acquisition = Arc::new(Acquisition {
            request,
            terms,
            engine: Arc::clone(engine),
            ledger: Mutex::default(),
            answers: sender,
        });
        Self { acquisition, answers }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let doubtful = {
            let mut ledger = self.acquisition.ledger();
            ledger.abandoned = true;
            ledger.doubtful > 0 && ledger.granted.is_none()
        };
        if doubtful {
            self.acquisition.withdraw();
        }
    }
}

impl Acquisition {
    /// Sends the request. Its answer comes over the channel of the [`Claim`].
    pub(crate) fn attempt(self: &Arc<Self>) -> InFlight {
        let this = Arc::clone(self);
        let sent = self.sending();
        let call = async move {
            let answer = this.engine.backend.try_acquire(&this.request).await;
            this.settle(sent, answer);
        };
        InFlight { engine: Arc::clone(&self.engine), call: Some(Box::pin(call)) }
    }

    /// Takes the lock over from `from`, a lease of this process.
    pub(crate) async fn take_from(self: &Arc<Self>, from: LeaseKey) -> Passed {
        let this = Arc::clone(self);
        let sent = self.sending();
        self.ledger().handed += 1;
        let call = async move {
            let answer = this.engine.backend.hand_off(&from, &this.request).await;
            Ok(this.settle_hand_off(sent, answer))
        };
        self.engine.call(self.terms.call_limit, call).await.unwrap_or(Passed::Unknown)
    }

    /// Whether a request of the waiter's own may still be granted, though another came back with a refusal.
    pub(crate) fn is_doubtful(&self) -> bool {
        let ledger = self.ledger();
        ledger.open > ledger.handed
    }

    /// When the first of the requests was sent that may still be granted.
    pub(crate) fn open_since(&self) -> Option<Moment> {
        self.ledger().open_since
    }

    fn sending(&self) -> Moment {
        let now = Moment::now();
        let mut ledger = self.ledger();
        ledger.open += 1;
        ledger.open_since.get_or_insert(now);
        now
    }

    fn settle(self: &Arc<Self>, sent: Moment, answer: Result<Attempt, BackendError>) {
        match answer {
            Ok(Attempt::Granted(grant)) => self.granted(sent, grant),
            Ok(Attempt::Held(info)) => {
                self.close();
                drop(self.answers.send(Answer::Held(info)));
            }
            Err(error) => {
                if *error.failure() == Failure::Ambiguous {
                    self.doubt()
                } else {
                    self.close()
                }
                drop(self.answers.send(Answer::Failed(error)));
            }
        }
    }

    fn settle_hand_off(self: &Arc<Self>, sent: Moment, answer: Result<HandOff, BackendError>) -> Passed {
        self.ledger().handed -= 1;
        let passed = match answer {
            Ok(HandOff::Granted(grant)) => {
                self.granted(sent, grant);
                return Passed::Yes;
            }
            Err(error) if *error.failure() == Failure::Ambiguous => {
                self.doubt();
                return Passed::Unknown;
            }
            Ok(HandOff::NotHeld) => Passed::NotHeld,
            Err(_) => Passed::No,
        };
        self.close();
        passed
    }

    /// An open request will bring no answer.
    fn doubt(self: &Arc<Self>) {
        let mut ledger = self.ledger();
        ledger.doubtful += 1;
        let nobody_asks_again = ledger.abandoned && ledger.granted.is_none();
        drop(ledger);
        if nobody_asks_again {
            self.withdraw();
        }
    }

    fn granted(self: &Arc<Self>, sent: Moment, Grant { token }: Grant) {
        let key = LeaseKey { name: self.request.name.clone(), holder: self.request.holder, token };
        let mut ledger = self.ledger();
        // A repeated request recognised a lease that may have been granted to an earlier one.
        let sent = ledger.open_since.unwrap_or(sent);
        ledger.open = ledger.open.saturating_sub(1);
        if ledger.granted == Some(token) {
            return;
        }
        let unwanted = ledger.abandoned || ledger.granted.is_some();
        if !unwanted {
            ledger.granted = Some(token);
        }
        drop(ledger);
        let lease = Arc::new(Lease::new(key, self.terms, sent));
        if unwanted {
            return release::in_background(&self.engine, lease);
        }
        // Where nobody listens any more, the value is dropped, and so the lease released.
        drop(self.answers.send(Answer::Granted(Held::new(&self.engine, lease))));
    }

    /// One request less that may still be granted.
    fn close(&self) {
        let mut ledger = self.ledger();
        ledger.open = ledger.open.saturating_sub(1);
        if ledger.open == 0 {
            ledger.open_since = None;
        }
    }

    /// Finds out what became of requests whose answers never came, and releases what they brought. The request is
    /// repeated with the shortest lease, since it recognises its own grant or else finds out that there is none.
    fn withdraw(self: &Arc<Self>) {
        let (this, engine) = (Arc::clone(self), Arc::clone(&self.engine));
        let request = AcquireRequest { ttl: MIN_TTL, ..self.request.clone() };
        let lasts = self.terms.ttl;
        self.engine.work(async move {
            let since = Moment::now();
            let mut pace = Pace::new(engine.options.poll_first, engine.options.poll_max);
            while since.elapsed() < lasts {
                let pause = match engine.backend.try_acquire(&request).await {
                    Ok(Attempt::Granted(grant)) => return this.granted(Moment::now(), grant),
                    Ok(Attempt::Held(_)) => return,
                    Err(error) if !error.is_passing() => break,
                    Err(error) => pace.after_failure(error.retry_after(), super::random()),
                };
                time::sleep(pause).await;
            }
            tracing::warn!(lock = %request.name, "an unanswered request could not be withdrawn; a lease that it may have brought ends by itself");
        });
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way. It is polled by who waits for it, and goes on in a task of its own when that one leaves.
pub(crate) struct InFlight {
    engine: Arc<Engine>,
    call: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl InFlight {
    /// Waits for its end; the answer has been sent by then.
    pub(crate) async fn end(&mut self) {
        if let Some(call) = &mut self.call {
            call.await;
            self.call = None;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.engine.work(call);
        }
    }
}

/// What became of a hand-off, as seen from the one who gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    Yes,
    No,
    NotHeld,
    Unknown,
}
