//! What the endpoints of a server have in common.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    access::Sessions,
    api::{cursors::Cursors, transaction::Transactions},
    cache::{Plans, Results},
    counters::Tally,
    error::Failure,
    faults::Faults,
    settings::Settings,
    store::Store,
};

use super::tasks::Tasks;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Arc<Store>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) faults: Faults,
    pub(crate) cursors: Cursors,
    pub(crate) transactions: Transactions,
    pub(crate) results: Results,
    pub(crate) plans: Plans,
    pub(crate) sessions: Sessions,
    pub(crate) tasks: Tasks,
    maintenance: AtomicBool,
    server_header: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let tally = Arc::new(Tally::default());
        Self {
            store: Arc::new(Store::new(Arc::clone(&settings), Arc::clone(&tally))),
            tally,
            faults: Faults::default(),
            cursors: Cursors::new(settings.cursor_ttl),
            transactions: Transactions::new(&settings),
            results: Results::default(),
            plans: Plans::default(),
            sessions: Sessions::default(),
            tasks: Tasks::default(),
            maintenance: AtomicBool::new(false),
            server_header: Mutex::new(settings.server_header.clone()),
            settings,
        }
    }

    pub(crate) fn check_maintenance(&self) -> Result<(), Failure> {
        if self.maintenance.load(Ordering::SeqCst) { Err(Failure::of(503)) } else { Ok(()) }
    }

    pub(super) fn set_maintenance(&self, on: bool) {
        self.maintenance.store(on, Ordering::SeqCst);
    }

    pub(crate) fn server_header(&self) -> Option<String> {
        self.server_header.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_server_header(&self, header: Option<&str>) {
        *self.server_header.lock().unwrap_or_else(PoisonError::into_inner) = header.map(str::to_owned);
    }
}
