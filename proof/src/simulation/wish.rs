//! [`Wish`]: a call to acquire, from its beginning to whatever becomes of it.

use std::{sync::Arc, time::Duration};

use shylock_core::{AsyncLockGuard, Error, Result};

use super::process::Process;
use crate::history::What;

/// How much longer than its limit a call may take.
const SLACK: Duration = Duration::from_millis(50);

/// A call to acquire. Dropping it tells that it was abandoned.
#[derive(Debug)]
pub(super) struct Wish {
    process: Arc<Process>,
    about: Arc<str>,
    call: u64,
    since: Duration,
    answered: bool,
}

impl Wish {
    pub(super) fn new(process: &Arc<Process>, about: &str, limit: Option<Duration>) -> Self {
        let world = &process.world;
        let (call, limit) = (world.number(), limit.map(nanos));
        world.record(process.number, about, What::Wanted { call, limit });
        Self { process: Arc::clone(process), about: Arc::from(about), call, since: world.at(), answered: false }
    }

    /// It took so long.
    pub(super) fn took(&self, call: &str, limit: Duration) {
        let time = self.process.world.at().saturating_sub(self.since);
        took(&self.process, call, limit, time);
    }

    pub(super) fn granted(self, guard: &AsyncLockGuard) {
        let (call, token) = (self.call, guard.token().get());
        self.answer(What::Granted { call, token });
    }

    pub(super) fn outcome(self, outcome: Result<Option<AsyncLockGuard>>) -> Option<AsyncLockGuard> {
        let call = self.call;
        match outcome {
            Ok(Some(guard)) => {
                self.granted(&guard);
                return Some(guard);
            }
            Ok(None) | Err(Error::Timeout { .. }) => self.answer(What::Refused { call }),
            Err(error) => self.answer(What::Failed { call, error: error.to_string() }),
        }
        None
    }

    fn answer(mut self, what: What) {
        self.answered = true;
        self.process.world.record(self.process.number, &self.about, what);
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        if !self.answered && !self.process.is_dead() {
            self.process.world.record(self.process.number, &self.about, What::Abandoned { call: self.call });
        }
    }
}

/// Notes how long a call took, and that it took too long.
pub(super) fn took(process: &Process, call: &str, limit: Duration, time: Duration) {
    let world = &process.world;
    world.record(process.number, "", What::Took { call: call.to_owned(), limit: nanos(limit), time: nanos(time) });
    if time > limit + SLACK {
        world.violated(format!("{:?}: {call} took {time:?} instead of {limit:?}", world.at()));
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
