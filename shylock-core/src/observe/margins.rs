//! The smallest time that any holder in this process may still act without a renewal.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::meters;
use crate::process::PerProcess;

/// A look is one at all leases.
const PAUSE: Duration = Duration::from_secs(1);

/// Of each keeper at work.
static SMALLEST: PerProcess<Mutex<HashMap<u64, Duration>>> = PerProcess::new();
static KEEPERS: AtomicU64 = AtomicU64::new(0);

/// What one keeper knows of it, as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct Margins {
    /// Its number, and when to look next.
    keeper: Option<(u64, Instant)>,
}

impl Margins {
    /// To be called whenever the keeper looks; most times are too soon after the one before.
    pub(crate) fn look(&mut self, smallest: impl FnOnce() -> Option<Duration>) {
        if !cfg!(feature = "metrics") {
            return;
        }
        let now = Instant::now();
        let (keeper, next) = *self.keeper.get_or_insert_with(|| (KEEPERS.fetch_add(1, Ordering::Relaxed), now));
        if now >= next {
            self.keeper = Some((keeper, now + PAUSE));
            tell(keeper, smallest());
        }
    }
}

impl Drop for Margins {
    fn drop(&mut self) {
        if let Some((keeper, _)) = self.keeper {
            tell(keeper, None);
        }
    }
}

fn tell(keeper: u64, smallest: Option<Duration>) {
    let mut all = SMALLEST.get().lock().unwrap_or_else(PoisonError::into_inner);
    match smallest {
        Some(smallest) => all.insert(keeper, smallest),
        None => all.remove(&keeper),
    };
    meters::smallest_margin(all.values().min().copied());
}
