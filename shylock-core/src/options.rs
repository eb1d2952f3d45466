//! The options of a lock and of a manager: plain values, checked once.

use std::{sync::Arc, time::Duration};

#[cfg(doc)]
use crate::{AsyncLock, LockManager, LockName};
use crate::{Backend, Error, Result, engine::Terms};

/// The shortest lease, 1 s: below it, a slow round trip would cost the lock.
pub const MIN_TTL: Duration = Duration::from_secs(1);
/// The longest lease, 24 h: what a crashed holder may block.
pub const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The lease's length unless told otherwise, 30 s: long enough for a database to fail over in between.
pub const DEFAULT_TTL: Duration = Duration::from_secs(30);
/// The longest note, label or namespace in bytes.
const MAX_NOTE_BYTES: usize = 4096;
/// More would be a mistake, or an overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
const MAX_LABEL_BYTES: usize = 256;
const MAX_NAMESPACE_BYTES: usize = 64;

/// The options of one lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct LockOptions {
    /// `None`: the manager's.
    pub(crate) ttl: Option<Duration>,
    pub(crate) no_renewal: bool,
    pub(crate) note: Option<String>,
    pub(crate) max_hold: Option<Duration>,
}

impl LockOptions {
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(ttl) = self.ttl {
            check_ttl(ttl)?;
        }
        if self.max_hold.is_some_and(|max| max.is_zero()) {
            return Err(invalid("max_hold", "it is zero"));
        }
        self.note.as_deref().map_or(Ok(()), |note| check_length("note", note, MAX_NOTE_BYTES))
    }
}

/// The options of a manager and of all its locks.
#[derive(Debug, Clone)]
pub(crate) struct ManagerOptions {
    pub(crate) ttl: Duration,
    pub(crate) namespace: Option<String>,
    pub(crate) label: Option<String>,
    /// `None`: a tenth of the ttl, within [`MARGIN_BOUNDS`].
    pub(crate) margin: Option<Duration>,
    pub(crate) poll_first: Duration,
    pub(crate) poll_max: Duration,
    pub(crate) call_timeout: Duration,
    pub(crate) outage_limit: Duration,
}

/// The bounds of the safety margin that a manager picks by itself.
const MARGIN_BOUNDS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            ttl: DEFAULT_TTL,
            namespace: None,
            label: None,
            margin: None,
            poll_first: Duration::from_millis(25),
            poll_max: Duration::from_secs(1),
            call_timeout: Duration::from_secs(5),
            outage_limit: Duration::from_secs(60),
        }
    }
}

impl ManagerOptions {
    pub(crate) fn check(&self) -> Result<()> {
        check_ttl(self.ttl)?;
        if self.margin.is_some_and(|margin| margin >= self.ttl / 2) {
            return Err(invalid("safety_margin", "it is half the ttl or more"));
        }
        if self.poll_first.is_zero() || self.poll_first > self.poll_max {
            return Err(invalid("poll_limits", "the first is zero, or larger than the largest"));
        }
        if self.poll_max > LONGEST_PAUSE {
            return Err(invalid("poll_limits", "the longest is more than an hour"));
        }
        if self.call_timeout.is_zero() || self.call_timeout > LONGEST_PAUSE {
            return Err(invalid("call_timeout", "it is zero, or more than an hour"));
        }
        if let Some(label) = &self.label {
            check_length("label", label, MAX_LABEL_BYTES)?;
        }
        match self.namespace.as_deref() {
            Some(space) if space.is_empty() || space.contains('/') || space.chars().any(char::is_control) => {
                Err(invalid("namespace", "it is empty, or has a slash or a control character"))
            }
            Some(space) => check_length("namespace", space, MAX_NAMESPACE_BYTES),
            None => Ok(()),
        }
    }

    /// The terms of a lease of this length.
    pub(crate) fn terms(&self, ttl: Duration) -> Terms {
        let (least, most) = MARGIN_BOUNDS;
        let margin = self.margin.unwrap_or((ttl / 10).clamp(least, most)).min(ttl / 2);
        // Six calls fit into a lease.
        Terms { ttl, margin, renews: true, max_hold: None, call_limit: self.call_timeout.min(ttl / 6) }
    }
}

/// Options of a [`LockManager`]. They are checked by [`build`](Self::build).
#[derive(Debug)]
#[must_use = "it does nothing until `build` is called"]
pub struct LockManagerBuilder {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) options: ManagerOptions,
    pub(crate) own_thread: bool,
}

impl LockManagerBuilder {
    /// The lease's length of locks that name none: 1 s to 24 h, default 30 s.
    ///
    /// A crashed holder blocks others for so long. A lease shorter than a fail-over of the database (15 s and more)
    /// is lost in one.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = ttl;
        self
    }

    /// A prefix for all names, so that programs can share a store: 1 to 64 bytes, without slash and control characters.
    /// In the store the names are `namespace/name`, which must not be longer than [`LockName::MAX_BYTES`]. Default:
    /// none.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.namespace = Some(namespace.into());
        self
    }

    /// What others see as this holder's host, at most 256 bytes. Default: the name of the machine.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.options.label = Some(label.into());
        self
    }

    /// How long before the end of its lease a holder is told that it is lost: less than half the manager's ttl.
    /// Default: a tenth of the lock's ttl, at least 50 ms, at most 2 s. A lock with a shorter ttl gets half of that one
    /// at most.
    pub const fn safety_margin(mut self, margin: Duration) -> Self {
        self.options.margin = Some(margin);
        self
    }

    /// The pauses between the attempts of a process that waits for a lock and is not told when it comes free: the
    /// first, which is not zero, and the longest, at most an hour. Each is shortened at random by up to a half.
    /// Default: 25 ms, doubling to 1 s. Who is told, by its store or because the lock is held in its own process, asks
    /// after 2.5 to 5 s all the same, or after the longest of these if that is more.
    pub const fn poll_limits(mut self, first: Duration, longest: Duration) -> Self {
        (self.options.poll_first, self.options.poll_max) = (first, longest);
        self
    }

    /// How long a call that does not wait for a lock may take, such as `try_acquire`, `release` and `inspect`: not
    /// zero, at most an hour, default 5 s. A request of `try_acquire` or `release` gets so long or a sixth of the ttl,
    /// whichever is shorter, and is then repeated; the other calls repeat none.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self
    }

    /// How long [`AsyncLock::acquire`] puts up with a store that does not answer properly: any time, default 60 s; with
    /// zero, the first failure is its outcome. Who waits behind others of this process counts it from its turn.
    pub const fn outage_limit(mut self, limit: Duration) -> Self {
        self.options.outage_limit = limit;
        self
    }

    /// Work on a thread of its own instead of the current tokio runtime. Leases are then renewed though all threads
    /// of that runtime are busy, and though it ends – **if** the store's client does not depend on it. A MongoDB
    /// client does: it lives and dies with the runtime on which it was connected.
    pub const fn own_thread(mut self) -> Self {
        self.own_thread = true;
        self
    }
}

pub(crate) fn invalid(option: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidOption { option, reason: reason.into() }
}

fn check_ttl(ttl: Duration) -> Result<()> {
    check_span("ttl", ttl)
}

/// A lease can be so long.
pub(crate) fn check_span(option: &'static str, span: Duration) -> Result<()> {
    if (MIN_TTL..=MAX_TTL).contains(&span) {
        Ok(())
    } else {
        Err(invalid(option, format!("{span:?} is not between 1 s and 24 h")))
    }
}

fn check_length(option: &'static str, text: &str, most: usize) -> Result<()> {
    if text.len() > most {
        return Err(invalid(option, format!("it has {} bytes, {most} are allowed", text.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANT: Duration = Duration::from_nanos(1);

    fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn is_good(change: impl FnOnce(&mut ManagerOptions)) -> bool {
        let mut options = ManagerOptions::default();
        change(&mut options);
        options.check().is_ok()
    }

    #[test]
    fn bounds_are_within() {
        assert_eq!((MIN_TTL, DEFAULT_TTL, MAX_TTL), (s(1), s(30), s(86_400)));
        assert!(is_good(|o| o.ttl = s(1)) && is_good(|o| o.ttl = s(86_400)));
        assert!(!is_good(|o| o.ttl = s(1) - INSTANT) && !is_good(|o| o.ttl = s(86_400) + INSTANT));
        assert!(is_good(|o| o.margin = Some(s(15) - INSTANT)) && !is_good(|o| o.margin = Some(s(15))));
        let poll = |first, max| is_good(|o| (o.poll_first, o.poll_max) = (first, max));
        assert!(poll(s(2), s(2)) && !poll(s(2), s(2) - INSTANT) && !poll(s(0), s(2)));
        assert!(poll(s(1), s(3600)) && !poll(s(1), s(3600) + INSTANT));
        let call = |limit| is_good(|o| o.call_timeout = limit);
        assert!(call(INSTANT) && call(s(3600)) && !call(s(0)) && !call(s(3600) + INSTANT));
        let label = |bytes| is_good(|o| o.label = Some("x".repeat(bytes)));
        assert!(label(0) && label(256) && !label(257));
        let space = |space: &str| is_good(|o| o.namespace = Some(space.into()));
        assert!(space(&"x".repeat(64)) && !space(&"x".repeat(65)));
        assert!(!space("") && !space("a/b") && !space("/") && !space("a\u{7}b"));
        let note = |bytes| LockOptions { note: Some("x".repeat(bytes)), ..LockOptions::default() }.check().is_ok();
        assert!(note(0) && note(4096) && !note(4097));
    }

    #[test]
    fn the_terms_of_a_lease_follow_from_its_length() {
        let options = ManagerOptions::default();
        let terms = |ttl| (options.terms(ttl).margin, options.terms(ttl).call_limit);
        assert_eq!(terms(s(60)), (s(2), s(5)));
        assert_eq!(terms(s(12)), (Duration::from_millis(1200), s(2)));
        assert_eq!(options.terms(Duration::from_millis(100)).margin, Duration::from_millis(50), "the least");
        let wide = ManagerOptions { margin: Some(s(10)), ..ManagerOptions::default() };
        assert_eq!((wide.terms(s(30)).margin, wide.terms(s(12)).margin), (s(10), s(6)), "half of a shorter lease");
    }
}
