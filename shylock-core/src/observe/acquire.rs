//! An acquisition, from the call to its outcome.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tracing::{Span, field};

use super::{Cause, meters, seconds, timed};
use crate::{BackendError, Error, LockInfo, LockName, engine::Lease, process::Process};

/// What the caller and the task of an acquisition both tell of.
#[derive(Debug)]
pub(crate) struct Acquire {
    pub(crate) lock: LockName,
    span: Span,
    /// Whether the span is the acquisition's own. Where nobody wants that one, it is the caller's.
    is_own: bool,
    contended: AtomicBool,
}

impl Acquire {
    pub(crate) fn new(lock: &LockName, ttl: Duration) -> Self {
        let span = tracing::debug_span!(
            "acquire",
            %lock,
            ttl_seconds = ttl.as_secs_f64(),
            attempts = field::Empty,
            holder = field::Empty,
            token = field::Empty,
            outcome = field::Empty,
        );
        let is_own = !span.is_disabled();
        let span = if is_own { span } else { Span::current() };
        Self { lock: lock.clone(), span, is_own, contended: AtomicBool::new(false) }
    }

    /// What is done for the acquisition is done in here, wherever it runs.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The lock is not free. Told once.
    pub(crate) fn meets(&self, holder: impl FnOnce() -> Option<String>) {
        if self.contended.swap(true, Ordering::Relaxed) {
            return;
        }
        meters::contended();
        let lock = &self.lock;
        self.span.in_scope(|| tracing::debug!(%lock, holder = holder(), "the lock is held by another"));
    }

    fn record(&self, field: &str, value: impl field::Value) {
        if self.is_own {
            self.span.record(field, value);
        }
    }
}

/// An acquisition whose outcome the caller does not know yet. Dropped before, it was given up.
#[must_use = "dropping it says that the acquisition was given up"]
pub(crate) struct Pending<'a> {
    acquire: &'a Acquire,
    process: Process,
    since: Option<Instant>,
    ended: bool,
}

/// What became of an acquisition.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Granted,
    TimedOut,
    Refused,
    Failed,
    Cancelled,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl<'a> Pending<'a> {
    pub(crate) fn new(acquire: &'a Acquire, process: Process) -> Self {
        meters::waiting(1.0);
        Self { acquire, process, since: timed!(DEBUG).then(Instant::now), ended: false }
    }

    /// The caller has its outcome: the lease, or none as the lock is held, or an error.
    pub(crate) fn ends(mut self, outcome: Result<Option<&Arc<Lease>>, &Error>) {
        self.ended = true;
        let (lock, waited_seconds) = (&self.acquire.lock, self.waited_seconds());
        let _in_span = self.acquire.span.enter();
        match outcome {
            Ok(Some(lease)) => {
                let token = lease.key.token.get();
                self.acquire.record("token", token);
                tracing::debug!(%lock, token, waited_seconds, "the lock is granted");
                self.tell(Outcome::Granted, waited_seconds);
                lease.handed_out();
            }
            Ok(None) => {
                tracing::debug!(%lock, waited_seconds, "the lock is refused");
                self.tell(Outcome::Refused, waited_seconds);
            }
            Err(Error::Timeout { holder, .. }) => {
                let holder = holder.as_ref().map(|holder| field::display(holder.who()));
                tracing::debug!(%lock, holder, waited_seconds, "the time to wait for the lock is up");
                self.tell(Outcome::TimedOut, waited_seconds);
            }
            Err(error) => {
                let error = error as Cause<'_>;
                tracing::debug!(%lock, error, waited_seconds, "the lock could not be acquired");
                self.tell(Outcome::Failed, waited_seconds);
            }
        }
    }

    fn waited_seconds(&self) -> Option<f64> {
        seconds(self.since.map(|since| since.elapsed()))
    }

    fn tell(&self, outcome: Outcome, waited_seconds: Option<f64>) {
        self.acquire.record("outcome", outcome.name());
        meters::acquired(outcome, waited_seconds.unwrap_or_default());
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        // Whoever listens in a parent process may have been under a lock when its child was forked.
        if self.ended || self.process.is_another() {
            return;
        }
        let (lock, waited_seconds) = (&self.acquire.lock, self.waited_seconds());
        let _in_span = self.acquire.span.enter();
        tracing::debug!(%lock, waited_seconds, "the acquisition was given up");
        self.tell(Outcome::Cancelled, waited_seconds);
    }
}

/// The requests of an acquisition, as its task sends them.
pub(crate) struct Attempts<'a> {
    acquire: &'a Acquire,
    sent: u32,
    /// Who was seen last, where a span wants to know.
    holder: Option<String>,
    /// When the lease of the holder that was last seen can be taken over.
    ends: Option<Instant>,
}

impl<'a> Attempts<'a> {
    pub(crate) const fn new(acquire: &'a Acquire) -> Self {
        Self { acquire, sent: 0, holder: None, ends: None }
    }

    pub(crate) fn asks(&mut self) {
        self.sent += 1;
    }

    pub(crate) fn held(&mut self, info: &LockInfo) {
        self.holder = (!self.acquire.span.is_disabled()).then(|| info.who().to_string());
        self.acquire.meets(|| Some(info.who().to_string()));
        self.ends = Instant::now().checked_add(info.takeover_in);
    }

    pub(crate) fn granted(&self, lease: &Lease) {
        if self.ends.is_some_and(|ends| ends <= Instant::now()) {
            let (lock, token) = (&self.acquire.lock, lease.key.token.get());
            tracing::info!(%lock, token, "the lock is taken over, as the lease of its holder has ended");
        }
    }

    pub(crate) fn failed(&self, error: &BackendError) {
        let (lock, error) = (&self.acquire.lock, error as Cause<'_>);
        tracing::debug!(%lock, error, "an attempt failed and is repeated");
    }
}

impl Drop for Attempts<'_> {
    /// Once, since those who write spans down keep all that is recorded in a wait of days.
    fn drop(&mut self) {
        self.acquire.record("attempts", self.sent);
        if let Some(holder) = &self.holder {
            self.acquire.record("holder", holder.as_str());
        }
    }
}
