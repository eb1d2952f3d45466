//! The data of all databases, with every version of every document.

pub(crate) mod audit;
mod collection;
mod commit;
mod crash;
mod database;
pub(crate) mod index;
pub(crate) mod key;
mod locks;
mod sorted;
mod state;
mod transaction;
mod ttl;
mod unique;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{clock::Clock, counters::Tally, settings::Settings};

pub use audit::{AuditEntry, Origin};
pub(crate) use collection::{Access, Collection, Handle, Properties};
pub(crate) use database::{Database, Defaults, by_name};
pub(crate) use sorted::Range;
pub(crate) use state::State;
pub(crate) use transaction::{Author, Begin, Transaction};
pub use ttl::{TtlOutcome, TtlPass};
pub(crate) use write::{Changed, Patch};

#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    locks: Mutex<locks::Locks>,
    freed: Notify,
    pub(crate) settings: Arc<Settings>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) ttl_clock: Arc<Clock>,
}

impl Store {
    pub(crate) fn new(settings: Arc<Settings>, tally: Arc<Tally>) -> Self {
        Self {
            state: Mutex::new(State::new()),
            locks: Mutex::default(),
            freed: Notify::new(),
            ttl_clock: Arc::new(Clock::new(settings.ttl_clock_offset)),
            settings,
            tally,
        }
    }

    /// Never held across an await, nor together with the locks of keys.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
