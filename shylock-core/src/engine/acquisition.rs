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

use super::{
    Engine,
    held::Held,
    lease::Lease,
    ledger::{Finding, Ledger},
    pace::Pace,
    release,
    renew::Terms,
    turns::Row,
};
use crate::{
    AcquireRequest, Attempt, BackendError, Failure, Grant, HandOff, LeaseKey, LockInfo, MIN_TTL, clock::Moment, observe,
};

#[derive(Debug)]
pub(crate) struct Acquisition {
    pub(crate) request: AcquireRequest,
    terms: Terms,
    engine: Arc<Engine>,
    ledger: Mutex<Ledger<Moment>>,
    answers: mpsc::UnboundedSender<Answer>,
}

/// What one request brought.
#[derive(Debug)]
pub(crate) enum Answer {
    Granted(Held),
    Held(LockInfo),
    Failed(BackendError),
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
        let needed = self.acquisition.ledger().abandon();
        if needed {
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
    pub(crate) async fn take_from(self: &Arc<Self>, from: LeaseKey, row: Row) -> Passed {
        let this = Arc::clone(self);
        let sent = self.sending();
        self.ledger().handing();
        let call = async move {
            let answer = this.engine.backend.hand_off(&from, &this.request).await;
            Ok(this.settle_hand_off(sent, row, answer))
        };
        let passed = self.engine.call(self.terms.call_limit, call).await.unwrap_or(Passed::Unknown);
        self.ledger().handed();
        passed
    }

    /// Whether a request of the waiter's own may still be granted, though another came back with a refusal.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.ledger().is_doubtful()
    }

    /// When the first of the requests was sent that may still be granted.
    pub(crate) fn open_since(&self) -> Option<Moment> {
        self.ledger().open_since()
    }

    fn sending(&self) -> Moment {
        let now = Moment::now();
        self.ledger().sending(now);
        now
    }

    fn settle(self: &Arc<Self>, sent: Moment, answer: Result<Attempt, BackendError>) {
        match answer {
            Ok(Attempt::Granted(grant)) => self.granted(sent, Row::default(), grant),
            Ok(Attempt::Held(info)) => {
                self.close();
                drop(self.answers.send(Answer::Held(info)));
            }
            Err(error) => {
                self.failed(&error);
                drop(self.answers.send(Answer::Failed(error)));
            }
        }
    }

    fn settle_hand_off(self: &Arc<Self>, sent: Moment, row: Row, answer: Result<HandOff, BackendError>) -> Passed {
        match answer {
            Ok(HandOff::Granted(grant)) => {
                self.granted(sent, row, grant);
                Passed::Yes
            }
            Ok(HandOff::NotHeld) => {
                self.close();
                Passed::NotHeld
            }
            Err(error) if self.failed(&error) => Passed::Unknown,
            Err(_) => Passed::No,
        }
    }

    /// A request has failed. Says whether it may have been carried out all the same.
    fn failed(self: &Arc<Self>, error: &BackendError) -> bool {
        let unknown = *error.failure() == Failure::Ambiguous;
        if unknown {
            self.doubt()
        } else {
            self.close()
        }
        unknown
    }

    /// An open request will bring no answer.
    fn doubt(self: &Arc<Self>) {
        let needed = self.ledger().doubt();
        if needed {
            self.withdraw();
        }
    }

    fn granted(self: &Arc<Self>, sent: Moment, row: Row, Grant { token }: Grant) {
        let key = LeaseKey { name: self.request.name.clone(), holder: self.request.holder, token };
        let found = self.ledger().granted(sent, token);
        let (sent, wanted) = match found {
            Finding::Known => return,
            Finding::Wanted(sent) => (sent, true),
            Finding::Unwanted(sent) => (sent, false),
        };
        let lease = Arc::new(Lease::new(key, Some(&self.request.info), self.terms, sent, row));
        if !wanted {
            observe::handed_out_to_nobody(&lease);
            return release::in_background(&self.engine, lease);
        }
        // Where nobody listens any more, the value is dropped, and so the lease released.
        drop(self.answers.send(Answer::Granted(Held::new(&self.engine, lease))));
    }

    /// One request less that may still be granted.
    fn close(&self) {
        self.ledger().close();
    }

    /// Finds out what became of requests whose answers never came, and releases what they brought.
    fn withdraw(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.engine.work(async move {
            if !this.find_out().await {
                observe::unknown(&this.request.name);
            }
            this.ledger().withdrawn();
        });
    }

    /// Repeats the request with the shortest lease: it recognises its own grant, or else finds out that there is none.
    async fn find_out(self: &Arc<Self>) -> bool {
        let request = AcquireRequest { ttl: MIN_TTL, ..self.request.clone() };
        let options = &self.engine.options;
        let mut pace = Pace::new(options.poll_first, options.poll_max);
        let since = Moment::now();
        while since.elapsed() < self.terms.ttl {
            let pause = match self.engine.backend.try_acquire(&request).await {
                Ok(Attempt::Granted(grant)) => {
                    self.granted(Moment::now(), Row::default(), grant);
                    return true;
                }
                Ok(Attempt::Held(_)) => return true,
                Err(error) if !error.is_passing() => return false,
                Err(error) => pace.after_failure(error.retry_after(), super::random()),
            };
            time::sleep(pause).await;
        }
        false
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger<Moment>> {
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
