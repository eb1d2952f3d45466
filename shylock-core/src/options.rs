//! The options of a lock and of a manager: plain values, checked once.

use std::time::Duration;

use crate::{Error, Result, engine::Terms};

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
