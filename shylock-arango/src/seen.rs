//! The locks that were found held a moment ago: whoever asks for one again looks before he tries to take it.
//!
//! To try is to lock the record for a moment, which can make the holder's renewal fail; to look is not.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shylock_core::LockName;
use tokio::time::Instant;

/// Longer than waiters pause between two attempts, unless they were told otherwise.
const FRESH: Duration = Duration::from_secs(30);
/// More names than this are not remembered.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<LockName, Instant>>);

impl Seen {
    /// Somebody else holds it.
    pub(crate) fn held(&self, name: &LockName) {
        let now = Instant::now();
        let mut seen = self.seen();
        if seen.len() >= MOST {
            seen.retain(|_, at| now.duration_since(*at) < FRESH);
        }
        if seen.len() < MOST {
            seen.insert(name.clone(), now);
        }
    }

    /// It was granted or freed here.
    pub(crate) fn forget(&self, name: &LockName) {
        self.seen().remove(name);
    }

    pub(crate) fn is_held(&self, name: &LockName) -> bool {
        self.seen().get(name).is_some_and(|at| at.elapsed() < FRESH)
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<LockName, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_is_remembered_for_a_while() {
        let name = |number: usize| LockName::new(format!("lock {number}")).expect("a valid name");
        let seen = Seen::default();
        seen.held(&name(0));
        seen.held(&name(1));
        seen.forget(&name(1));
        assert!(seen.is_held(&name(0)) && !seen.is_held(&name(1)));
        tokio::time::advance(FRESH).await;
        assert!(!seen.is_held(&name(0)));
        (0..2 * MOST).for_each(|number| seen.held(&name(number)));
        assert_eq!(seen.seen().len(), MOST);
    }
}
