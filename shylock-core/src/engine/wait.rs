//! The first of a line: asks the store for the lock, and again when it is worth it.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::time::{self, Instant};

use super::{
    Engine, Held,
    acquire::{Patience, Wanted},
    acquisition::{Answer, Claim, InFlight},
    no_answer,
    pace::{Notices, Pace, pause_while_held_here},
    place::Place,
    renew::Terms,
    turns::Others,
};
use crate::{
    AcquireRequest, BackendError, Error, HolderId, LossReason, Result,
    clock::Moment,
    observe::{Acquire, Attempts},
};

/// The one that talks to the store: the first of a line, or one that does not queue.
pub(super) struct Asker<'a> {
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
    /// Whether it was told, since the last answer, that the lock may have come free.
    told: bool,
    /// The store asked to be left alone until then, whatever is told.
    left_alone_until: Option<Instant>,
    /// When the last proper answer came, or the waiting began.
    silent_since: Moment,
}

enum Verdict {
    Granted(Held),
    AskAgainIn(Duration),
}

impl<'a> Asker<'a> {
    pub(super) fn new(
        engine: &'a Arc<Engine>,
        wanted: Wanted,
        patience: Patience,
        seen: &'a Acquire,
        place: Option<&'a Place>,
    ) -> Result<Self> {
        let claim = new_claim(engine, &wanted)?;
        let mut asker = Self {
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
            told: false,
            left_alone_until: None,
            silent_since: Moment::now(),
        };
        asker.offer();
        Ok(asker)
    }

    pub(super) async fn wait(&mut self) -> Result<Held> {
        let call_limit = self.wanted.terms.call_limit;
        let mut in_flight: Option<InFlight> = None;
        // When to ask; while an answer is awaited, when to wait for it no longer.
        let mut next = Instant::now() + self.head_start();
        loop {
            let place = self.place;
            let when = if in_flight.is_some() { next } else { self.not_before(next) };
            let pause = tokio::select! {
                biased;
                Some(answer) = self.claim.answers.recv() => {
                    in_flight = None;
                    match self.consider(answer)? {
                        Verdict::Granted(held) => return Ok(held),
                        Verdict::AskAgainIn(pause) => pause,
                    }
                }
                () = end(&mut in_flight) => {
                    in_flight = None;
                    continue;
                }
                () = woken(place), if in_flight.is_none() => {
                    self.told = true;
                    self.left_alone_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
                }
                () = until(when) => {
                    if in_flight.take().is_some() {
                        self.put_up_with(no_answer(call_limit))?;
                    }
                    self.seen.asks();
                    in_flight = Some(self.claim.acquisition.attempt());
                    call_limit
                }
            };
            next = Instant::now() + pause;
        }
    }

    /// How long there is nothing to ask for, since this process itself holds the lock: it tells when that is over. Who
    /// waits for a limited time asks in time for an answer, as somebody may have broken the lock.
    fn head_start(&self) -> Duration {
        let Some(lease) = self.place.and_then(Place::holder_here) else { return Duration::ZERO };
        let left = match lease.valid_for() {
            Ok(left) => left,
            // On its way to the store, or to this one.
            Err(LossReason::Released) => lease.terms.call_limit,
            Err(_) => return Duration::ZERO,
        };
        let pause = pause_while_held_here(left, super::random());
        if let Patience::For(limit) = self.patience { pause.min(limit / 2) } else { pause }
    }

    /// What was told since the last answer.
    fn notices(&mut self) -> Notices {
        match (self.engine.hears(), std::mem::take(&mut self.told)) {
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
                (self.answered, self.failed, self.silent_since) = (true, None, Moment::now());
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

async fn woken(place: Option<&Place>) {
    match place {
        Some(place) => place.woken().await,
        None => pending().await,
    }
}

/// Timers count in whole milliseconds: a sleep until now would take one.
async fn until(when: Instant) {
    if when > Instant::now() {
        time::sleep_until(when).await;
    }
}

/// The end of a request under way; never, where there is none.
async fn end(in_flight: &mut Option<InFlight>) {
    match in_flight {
        Some(in_flight) => in_flight.end().await,
        None => pending().await,
    }
}
