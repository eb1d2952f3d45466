//! [`Acquirer`]: the first of a line, or one that does not queue. It asks the store for the lock, and again when it is
//! worth it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Engine, Held,
    acquire::{Patience, Wanted},
    acquisition::{Answer, Claim},
    admission::{Class, Permit},
    call::InFlight,
    no_answer, not_sent,
    optional::{Queued, admitted, at, end, silent, until, woken},
    pace::{Notices, Pace, pause_while_held_here},
    place::Place,
    renew::Terms,
    turns::Others,
};
use crate::{
    AcquireRequest, BackendError, Error, HolderId, LossReason, Result,
    observe::{Acquire, Attempts},
};

/// The one of a line that talks to the store.
pub(super) struct Acquirer<'a> {
    engine: &'a Arc<Engine>,
    place: Option<&'a Place>,
    wanted: Wanted,
    patience: Patience,
    seen: Attempts<'a>,
    claim: Claim,
    /// The acquisitions before it, which are being withdrawn: what they may have got goes back to the store.
    given_up: Vec<HolderId>,
    pace: Pace,
    /// Whether the store has said at least once who holds the lock.
    pub(super) answered: bool,
    /// The last failure, unless a proper answer came after it.
    pub(super) failed: Option<BackendError>,
    /// When the first request was sent that has brought no answer since the last one that did.
    pub(super) unanswered_since: Option<Instant>,
    /// Whether a notice has come, since the last answer, that the lock may be free.
    notified: bool,
    /// The store asked to be left alone until then, whatever notices come.
    left_alone_until: Option<Instant>,
    /// When the last proper answer came, or the waiting began.
    silent_since: Instant,
    /// When a call that does not wait for the lock is late: from its first request on.
    late_at: Option<Instant>,
}

enum Verdict {
    Granted(Held),
    AskAgainIn(Duration),
}

impl<'a> Acquirer<'a> {
    pub(super) fn new(
        engine: &'a Arc<Engine>,
        wanted: Wanted,
        patience: Patience,
        seen: &'a Acquire,
        place: Option<&'a Place>,
    ) -> Result<Self> {
        let claim = new_claim(engine, &wanted)?;
        let mut acquirer = Self {
            engine,
            place,
            wanted,
            patience,
            seen: Attempts::new(seen),
            claim,
            given_up: Vec::new(),
            pace: engine.pace(),
            answered: false,
            failed: None,
            unanswered_since: None,
            notified: false,
            left_alone_until: None,
            silent_since: Instant::now(),
            late_at: None,
        };
        acquirer.offer();
        Ok(acquirer)
    }

    pub(super) async fn wait(&mut self) -> Result<Held> {
        let (engine, place) = (self.engine, self.place);
        let call_limit = self.wanted.terms.call_limit;
        let mut queued: Option<Queued<'_>> = None;
        let mut in_flight: Option<InFlight> = None;
        // When to ask; while an answer is awaited, when to wait for it no longer.
        let mut next = Instant::now() + self.head_start();
        loop {
            let when = if in_flight.is_some() { next } else { self.not_before(next) };
            let silence = self.longest_silence(queued.is_some());
            let pause = tokio::select! {
                biased;
                Some(answer) = self.claim.answers.recv() => {
                    (queued, in_flight) = (None, None);
                    match self.consider(answer)? {
                        Verdict::Granted(held) => return Ok(held),
                        Verdict::AskAgainIn(pause) => pause,
                    }
                }
                () = end(&mut in_flight) => {
                    in_flight = None;
                    continue;
                }
                permit = admitted(&mut queued) => {
                    queued = None;
                    in_flight = Some(self.send(permit));
                    call_limit
                }
                () = silent(engine, self.silent_since, silence) => return Err(self.late(queued.is_none()).into()),
                () = at(self.late_at) => return Err(self.late(true).into()),
                () = woken(place), if in_flight.is_none() => {
                    self.notified = true;
                    if queued.is_some() {
                        continue;
                    }
                    self.left_alone_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
                }
                () = until(when), if queued.is_none() => {
                    if in_flight.take().is_some() {
                        self.put_up_with(no_answer(call_limit))?;
                    }
                    if !engine.admission.is_crowded(Class::Acquire) {
                        self.limit_begins();
                    }
                    queued = Some(Box::pin(engine.admission.admit(Class::Acquire)));
                    continue;
                }
            };
            next = Instant::now() + pause;
        }
    }

    fn send(&mut self, permit: Permit) -> InFlight {
        let now = Instant::now();
        self.unanswered_since.get_or_insert(now);
        self.limit_begins();
        self.seen.asks();
        self.claim.acquisition.attempt(permit)
    }

    /// The time limit of a call that does not wait for the lock begins to run, unless it does already.
    fn limit_begins(&mut self) {
        if matches!(self.patience, Patience::Never) {
            self.late_at = self.late_at.or(Instant::now().checked_add(self.engine.options.call_timeout));
        }
    }

    /// Why a call ends without an answer to its last request.
    fn late(&mut self, was_sent: bool) -> BackendError {
        let limit = self.longest_silence(true).unwrap_or_default();
        let unheard = || if was_sent { no_answer(limit) } else { not_sent(limit) };
        self.failed.take().unwrap_or_else(unheard)
    }

    /// How long the store may answer nothing at all. A waiter with a time limit has that one; without, a request that was
    /// sent has a limit of its own.
    fn longest_silence(&self, is_queued: bool) -> Option<Duration> {
        let options = &self.engine.options;
        match self.patience {
            Patience::Never => Some(options.call_timeout),
            Patience::Forever if is_queued => Some(options.outage_limit.max(self.wanted.terms.call_limit)),
            Patience::Forever | Patience::For { .. } => None,
        }
    }

    /// How long there is nothing to ask for, since this process itself holds the lock, and notices when that is over. A
    /// waiter with a time limit asks in time for an answer, as somebody may have broken the lock.
    fn head_start(&self) -> Duration {
        let Some(lease) = self.place.and_then(Place::holder_here) else { return Duration::ZERO };
        let left = match lease.valid_for() {
            Ok(left) => left,
            // On its way to the store, or to this one.
            Err(LossReason::Released) => lease.terms.call_limit,
            Err(_) => return Duration::ZERO,
        };
        let pause = pause_while_held_here(left, super::random());
        match self.patience {
            Patience::For { deadline, .. } => pause.min(deadline.saturating_duration_since(Instant::now()) / 2),
            _ => pause,
        }
    }

    /// What was heard since the last answer.
    fn notices(&mut self) -> Notices {
        match (self.engine.hears(), std::mem::take(&mut self.notified)) {
            (false, _) => Notices::None,
            (true, false) => Notices::Silent,
            (true, true) => Notices::Told,
        }
    }

    fn consider(&mut self, answer: Answer) -> Result<Verdict> {
        let pause = match answer {
            Answer::Granted(held) => match held.lease().valid_for() {
                Ok(_) => {
                    self.place.inspect(|place| place.note_turn(Others::StayedAway));
                    self.seen.granted(held.lease());
                    return Ok(Verdict::Granted(held));
                }
                // It would be over at once each time.
                Err(reason @ LossReason::MaxHold) => return Err(Error::Lost { reason }),
                // It was granted so long ago that it may be another's by now.
                Err(_) => self.ask_anew()?,
            },
            Answer::Held(info) => {
                (self.answered, self.failed, self.silent_since) = (true, None, Instant::now());
                self.unanswered_since = None;
                let holder = info.holder_info();
                if !self.is_ours(&info.holder) {
                    self.seen.held(&info);
                }
                if matches!(self.patience, Patience::Never) && !self.is_ours(&info.holder) {
                    return Err(Error::Timeout { waited: Duration::ZERO, holder: Some(holder) });
                }
                if let Some(place) = self.place {
                    place.note_holder(holder);
                    place.note_turn(Others::Unknown);
                }
                if self.claim.acquisition.is_doubtful() {
                    self.ask_anew()?;
                }
                // Another holds it, so it is time to listen.
                let try_to_listen = self.engine.listen();
                let notices = self.notices();
                self.pace.after_held(info.token, info.takeover_in, notices, super::random()).min(try_to_listen)
            }
            Answer::Failed(error) => {
                let pause = self.pace.after_failure(error.retry_after(), super::random());
                self.left_alone_until = error.retry_after().map(|_| Instant::now() + pause);
                self.put_up_with(error)?;
                pause
            }
        };
        Ok(Verdict::AskAgainIn(pause))
    }

    /// Whether the lock is held by what this call itself asked for: a lease that it did not hear of before its end, or
    /// that is on its way back to the store.
    fn is_ours(&self, holder: &HolderId) -> bool {
        self.claim.acquisition.request.holder == *holder || self.given_up.contains(holder)
    }

    /// Goes on after a failure that may pass, unless it has lasted too long.
    fn put_up_with(&mut self, error: BackendError) -> Result<()> {
        let silent = self.silent_since.elapsed();
        let too_long = matches!(self.patience, Patience::Forever) && silent >= self.engine.options.outage_limit;
        if !error.is_passing() || too_long {
            return Err(error.into());
        }
        self.seen.failed(&error);
        self.place.inspect(|place| place.note_failure());
        self.failed = Some(error);
        let Terms { ttl, margin, .. } = self.wanted.terms;
        if self.claim.acquisition.open_since().is_some_and(|since| since.elapsed() >= ttl - margin) {
            self.ask_anew()?;
        }
        Ok(())
    }

    /// Begins a new acquisition; the one before is withdrawn.
    fn ask_anew(&mut self) -> Result<Duration> {
        self.given_up.push(self.claim.acquisition.request.holder);
        self.claim = new_claim(self.engine, &self.wanted)?;
        self.offer();
        Ok(Duration::ZERO)
    }

    fn offer(&mut self) {
        self.place.inspect(|place| place.offer(&self.claim.acquisition));
    }

    fn not_before(&self, ask_at: Instant) -> Instant {
        self.place.and_then(Place::not_before).map_or(ask_at, |earliest| earliest.max(ask_at))
    }
}

fn new_claim(engine: &Arc<Engine>, wanted: &Wanted) -> Result<Claim> {
    let holder = HolderId::random().map_err(BackendError::permanent)?;
    let Wanted { name, info, terms } = wanted.clone();
    Ok(Claim::new(engine, AcquireRequest { name, holder, ttl: terms.ttl, info }, terms))
}
