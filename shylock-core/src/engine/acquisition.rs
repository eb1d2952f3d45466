//! [`Acquisition`]: one holder id, the requests sent under it, and what became of them.
//!
//! Every request runs to its answer, whoever still waits for it. What must never change: a grant is either turned
//! into exactly one [`Held`], or released.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::mpsc, time};

use super::{
    Engine,
    admission::{Class, Permit},
    call::{InFlight, Sent},
    held::Held,
    lease::Lease,
    ledger::{Finding, Ledger},
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
        } else {
            self.acquisition.watch_over();
        }
    }
}

impl Acquisition {
    /// Sends the request. Its answer comes over the channel of the [`Claim`].
    pub(crate) fn attempt(self: &Arc<Self>, permit: Permit) -> InFlight {
        let this = Arc::clone(self);
        let sent = self.sending();
        InFlight::new(&self.engine, async move {
            let answer = this.engine.backend.try_acquire(&this.request).await;
            drop(permit);
            this.settle(sent, answer);
        })
    }

    /// Takes the lock over from `from`, a lease of this process.
    pub(crate) async fn take_from(self: &Arc<Self>, from: LeaseKey, row: Row, begun: &Sent) -> Passed {
        let limit = self.terms.call_limit;
        let Ok(permit) = self.engine.admit(Class::HandOff, limit, begun).await else { return Passed::No };
        let this = Arc::clone(self);
        let sent = self.sending();
        self.ledger().handing();
        let call = async move {
            let answer = this.engine.backend.hand_off(&from, &this.request).await;
            drop(permit);
            Ok(this.settle_hand_off(sent, row, answer))
        };
        let passed = self.engine.call(limit, call).await;
        self.ledger().handed();
        passed.unwrap_or_else(|_no_answer| {
            self.give_up_on_answers();
            Passed::Unknown
        })
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

    /// Waits for the answers to requests that are still open, now that nobody else does: one that was lost on a connection
    /// which looks alive must not leave a lease to its end. The requests are what `close` waits for, not this.
    fn watch_over(self: &Arc<Self>) {
        if !self.ledger().is_open() {
            return;
        }
        let (this, limit) = (Arc::downgrade(self), self.terms.call_limit);
        self.engine.runtime.spawn(async move {
            time::sleep(limit).await;
            if let Some(this) = this.upgrade() {
                this.give_up_on_answers();
            }
        });
    }

    fn give_up_on_answers(self: &Arc<Self>) {
        let needed = self.ledger().overdue();
        if needed {
            self.withdraw();
        }
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

    /// Repeats the request with the shortest lease: it recognises its own grant, or else finds out that there is none. An
    /// answer that does not come is not waited for: it may be lost, too, while the lease goes on.
    async fn find_out(self: &Arc<Self>) -> bool {
        let mut pace = self.engine.pace();
        let since = Moment::now();
        while since.elapsed() < self.terms.ttl {
            // As urgent as a release: it may be one, of a lease that keeps others out.
            let (limit, this) = (self.terms.call_limit, Arc::clone(self));
            let asked = self.engine.request(Class::Release, limit, &Sent::default(), || this.ask_again()).await;
            let pause = match asked {
                Ok(()) => return true,
                Err(error) if !error.is_passing() => return false,
                Err(error) => pace.after_failure(error.retry_after(), super::random()),
            };
            time::sleep(pause).await;
        }
        false
    }

    /// Whatever it brings is released, also when it comes late.
    async fn ask_again(self: Arc<Self>) -> Result<(), BackendError> {
        let request = AcquireRequest { ttl: MIN_TTL, ..self.request.clone() };
        if let Attempt::Granted(grant) = self.engine.backend.try_acquire(&request).await? {
            self.granted(Moment::now(), Row::default(), grant);
        }
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger<Moment>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
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
