//! How long a request waits for other processes that write: counted from when it was asked for, not from when its turn came,
//! so that requests behind a writer that stands still do not wait one after the other.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

thread_local! {
    /// Until when what this thread is doing waits for others.
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// What follows on this thread was asked for at that time.
pub(crate) fn counts_from(asked: Instant) {
    ENDS.set(Some(asked + PATIENCE));
}

/// What follows on this thread waits for others for so long.
pub(crate) fn lasts(patience: Duration) {
    ENDS.set(Some(Instant::now() + patience));
}

pub(crate) fn is_left() -> bool {
    ENDS.get().is_none_or(|ends| Instant::now() < ends)
}

/// Called by SQLite with how often it was called before. Short pauses, or it would always be the newcomers that find the
/// file free.
pub(crate) fn wait(times: i32) -> bool {
    let is_left = is_left();
    if is_left {
        thread::sleep(Duration::from_micros(100 * u64::from(times.unsigned_abs().min(9) + 1)));
    }
    is_left
}
