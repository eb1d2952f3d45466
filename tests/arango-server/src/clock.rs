//! Clocks that tests can set.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The clock of one coordinator, or of the TTL thread: the system's, some milliseconds off, or
/// standing still.
#[derive(Debug)]
pub struct Clock {
    offset: AtomicI64,
    frozen: AtomicI64,
}

const RUNNING: i64 = i64::MIN;

impl Clock {
    pub(crate) fn new(offset: i64) -> Self {
        Self { offset: AtomicI64::new(offset), frozen: AtomicI64::new(RUNNING) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        match self.frozen.load(Ordering::SeqCst) {
            RUNNING => system().saturating_add(self.offset.load(Ordering::SeqCst)),
            frozen => frozen,
        }
    }

    /// Steps forwards, or back where negative.
    pub fn step(&self, milliseconds: i64) {
        self.offset.fetch_add(milliseconds, Ordering::SeqCst);
        let frozen = self.frozen.load(Ordering::SeqCst);
        if frozen != RUNNING {
            self.frozen.store(frozen.saturating_add(milliseconds), Ordering::SeqCst);
        }
    }

    /// Stands still at that many milliseconds since 1970.
    pub fn freeze(&self, at: i64) {
        self.frozen.store(at, Ordering::SeqCst);
    }
}

/// What all clocks would show without offsets.
pub(crate) fn system() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
