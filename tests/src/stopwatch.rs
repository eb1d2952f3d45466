//! [`Stopwatch`]: whether something took too long, or the machine had no time for this process.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long the thread sleeps that notices stalls.
const NAP: Duration = Duration::from_millis(5);
/// Sleep that lasts this much longer has been kept from ending.
const LATE: Duration = Duration::from_millis(1);

/// Measures time that has an upper bound of milliseconds, which no program keeps while the machine is busy with others.
#[derive(Debug)]
pub struct Stopwatch {
    since: Instant,
    /// Microseconds.
    stalled: Arc<AtomicU64>,
}

impl Stopwatch {
    /// Measures from now on.
    #[must_use]
    pub fn start() -> Self {
        let stalled = Arc::new(AtomicU64::new(0));
        let told = Arc::downgrade(&stalled);
        thread::spawn(move || note_stalls(&told));
        Self { since: Instant::now(), stalled }
    }

    /// The time that has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The time that has passed, less what a thread that only sleeps was late by: for upper bounds.
    #[must_use]
    pub fn took(&self) -> Duration {
        // A stall that ended just now is noted when that thread has run.
        let elapsed = self.elapsed();
        thread::sleep(2 * NAP);
        elapsed.saturating_sub(Duration::from_micros(self.stalled.load(Ordering::Relaxed)))
    }
}

/// Until the watch is gone.
fn note_stalls(told: &Weak<AtomicU64>) {
    while let Some(stalled) = told.upgrade() {
        let since = Instant::now();
        thread::sleep(NAP);
        let late = since.elapsed().saturating_sub(NAP);
        if late > LATE {
            stalled.fetch_add(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}
