//! [`Stopwatch`]: whether something took too long, or the machine had no time for this process.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

const NAP: Duration = Duration::from_millis(5);
/// A nap that is too long by more than this has been kept from ending.
const STALL: Duration = Duration::from_millis(1);

/// Measures time that has an upper bound of milliseconds, which no program keeps while the machine is busy with others.
#[derive(Debug)]
pub struct Stopwatch {
    since: Instant,
    naps: Arc<Mutex<Naps>>,
}

#[derive(Debug)]
struct Naps {
    /// When the nap under way began.
    began: Instant,
    /// By how much those before it were too long.
    stalled: Duration,
}

impl Stopwatch {
    /// By how much a call may overrun its time: what is promised.
    pub const OVERRUN: Duration = Duration::from_millis(50);

    /// Measures from now on.
    #[must_use]
    pub fn start() -> Self {
        let since = Instant::now();
        let naps = Arc::new(Mutex::new(Naps { began: since, stalled: Duration::ZERO }));
        let noted = Arc::downgrade(&naps);
        watch_naps(move |late| note(&noted, late));
        Self { since, naps }
    }

    /// The time that has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The time that has passed, less what a thread that only naps was late by: for upper bounds.
    #[must_use]
    pub fn took(&self) -> Duration {
        let naps = lock(&self.naps);
        let stalled = naps.stalled + stall(naps.began.elapsed().saturating_sub(NAP));
        self.elapsed().saturating_sub(stalled)
    }
}

/// Naps on a thread of its own, and tells by how much each nap was too long, until it is told to break off.
pub fn watch_naps(mut told: impl FnMut(Duration) -> ControlFlow<()> + Send + 'static) {
    thread::spawn(move || {
        loop {
            let since = Instant::now();
            thread::sleep(NAP);
            if told(since.elapsed().saturating_sub(NAP)).is_break() {
                return;
            }
        }
    });
}

/// Until the watch is gone.
fn note(naps: &Weak<Mutex<Naps>>, late: Duration) -> ControlFlow<()> {
    let Some(naps) = naps.upgrade() else { return ControlFlow::Break(()) };
    let mut naps = lock(&naps);
    naps.stalled += stall(late);
    naps.began = Instant::now();
    ControlFlow::Continue(())
}

fn stall(late: Duration) -> Duration {
    if late > STALL { late } else { Duration::ZERO }
}

fn lock(naps: &Mutex<Naps>) -> MutexGuard<'_, Naps> {
    naps.lock().unwrap_or_else(PoisonError::into_inner)
}
