//! The store's notices of freed locks: one stream for all waiters of a manager. It is opened by the first waiter that
//! is refused, and closed when nobody has waited for a while. Without it, waiting is polling.
//!
//! What must never change: whoever relies on the stream was in line before it was opened, or asks the store once more
//! after that. So it wakes all lines when it opens, and when it ends.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::{self, Instant},
};

use super::{Engine, no_answer, queue::Lines};
use crate::{BackendError, LockName, Watch, observe};

/// How long the stream stays open without waiters.
const LINGER: Duration = Duration::from_secs(30);
/// How often to look whether there are any.
const LOOK: Duration = Duration::from_secs(1);
/// The pause before the stream is opened again: after the first failure, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// A stream that lived for so long was a good one.
const PROVEN: Duration = Duration::from_secs(10);

/// What a manager knows of its stream.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// How long to leave it closed after the next failure but a proven stream's.
    pause: Option<Duration>,
    not_before: Option<Instant>,
    /// The failures since the last good stream have been logged.
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Closed,
    Opening,
    Open,
    /// This store has none.
    Never,
}

/// Why a stream is not followed any more.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Broken,
    Idle,
    /// The manager is gone.
    Left,
}

impl Engine {
    /// Whether the store tells of locks that come free.
    pub(crate) fn hears(&self) -> bool {
        self.ears.state().phase == Phase::Open
    }

    /// Opens the stream, if it is not open and it is time. Somebody waits, who shall ask again in so long at the latest.
    pub(crate) fn listen(self: &Arc<Self>) -> Duration {
        let mut state = self.ears.state();
        if state.phase != Phase::Closed {
            return Duration::MAX;
        }
        let left = state.not_before.map_or(Duration::ZERO, |when| when.saturating_duration_since(Instant::now()));
        if !left.is_zero() {
            return left;
        }
        state.phase = Phase::Opening;
        drop(state);
        self.runtime.spawn(Opening(Arc::clone(self)).open());
        Duration::MAX
    }
}

/// The stream while nobody can rely on it yet. However opening it ends, as by a panic of the store's client or with the
/// runtime, it is left closed for a while.
struct Opening(Arc<Engine>);

impl Opening {
    async fn open(self) {
        let engine = Arc::clone(&self.0);
        match ask(&engine).await {
            Ok(Watch::Unsupported) => engine.ears.state().phase = Phase::Never,
            Err(error) => engine.ears.failed(Duration::ZERO, Some(&error)),
            Ok(Watch::Freed(names)) => {
                engine.ears.state().phase = Phase::Open;
                observe::listens();
                engine.wake_all();
                let (lines, weak, since) = (Arc::clone(&engine.lines), Arc::downgrade(&engine), Instant::now());
                drop((engine, self));
                let end = follow(names, &lines, &weak).await;
                if let Some(engine) = weak.upgrade() {
                    engine.ears.ended(&end, since.elapsed());
                    // Nothing will tell them any more.
                    engine.wake_all();
                }
            }
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut state = self.0.ears.state();
        if state.phase == Phase::Opening {
            state.close(Duration::ZERO);
        }
    }
}

/// Asks the store for its stream, no longer than a call may take. Nothing is granted by that, so nobody waits for a
/// call that hangs.
async fn ask(engine: &Arc<Engine>) -> Result<Watch, BackendError> {
    let (tell, told) = oneshot::channel();
    let (backend, limit) = (Arc::clone(&engine.backend), engine.options.call_timeout);
    engine.runtime.spawn(async move { drop(tell.send(backend.watch().await)) });
    match time::timeout(limit, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(BackendError::not_applied("the call has ended without an answer", None)),
        Err(_) => Err(no_answer(limit)),
    }
}

impl Engine {
    /// Tells the first waiter of each name that its lock may be free.
    fn wake_all(&self) {
        self.lines.waited_for().iter().for_each(|name| self.lines.wake(name));
    }
}

/// Wakes whoever waits for a name that is told to be free, to the end of the stream or of its use.
async fn follow(mut names: Receiver<LockName>, lines: &Lines, engine: &Weak<Engine>) -> End {
    let mut used = Instant::now();
    loop {
        tokio::select! {
            biased;
            name = names.recv() => match name {
                Some(name) => lines.wake(&name),
                None => return End::Broken,
            },
            () = time::sleep(LOOK) => {}
        }
        if lines.have_waiters() {
            used = Instant::now();
        }
        if engine.strong_count() == 0 {
            return End::Left;
        }
        if used.elapsed() >= LINGER {
            return End::Idle;
        }
    }
}

impl Ears {
    fn ended(&self, end: &End, lived: Duration) {
        observe::listened(lived, end);
        match end {
            End::Broken => self.failed(lived, None),
            End::Idle | End::Left => self.state().phase = Phase::Closed,
        }
    }

    /// The stream could not be opened, or has ended after some time.
    fn failed(&self, lived: Duration, error: Option<&BackendError>) {
        let mut state = self.state();
        state.close(lived);
        let told = state.told;
        // A good one is opened again at once.
        state.told = lived < PROVEN;
        drop(state);
        if !told && lived < PROVEN {
            observe::does_not_listen(error);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Leaves it closed for a while, after it has lived for so long.
    fn close(&mut self, lived: Duration) {
        self.pause = next_pause(self.pause, lived);
        self.not_before = self.pause.map(|pause| Instant::now() + pause);
        self.phase = Phase::Closed;
    }
}

/// How long to leave the stream closed: not at all after a good one, else ever longer.
fn next_pause(last: Option<Duration>, lived: Duration) -> Option<Duration> {
    if lived >= PROVEN {
        return None;
    }
    Some(last.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_fails_is_left_alone_for_ever_longer() {
        let mut pause = None;
        let pauses = std::iter::from_fn(|| {
            pause = next_pause(pause, Duration::ZERO);
            pause.map(|pause| pause.as_secs())
        });
        assert_eq!(pauses.take(11).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn a_stream_that_was_good_is_opened_again_at_once() {
        assert_eq!(next_pause(Some(FIRST_PAUSE), PROVEN), None);
    }
}
