//! The suite's hands on a broken store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use shylock_core::{
    Backend, LockName,
    conformance::{ClientClock, Defect, Fixture},
};
use tokio::time::Instant;

use super::{Bug, Handle, Store, record::Record};

const HOUR: i64 = 3_600_000;

#[derive(Debug, Clone)]
pub(crate) struct BrokenFixture(Handle);

impl BrokenFixture {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        let store = Store {
            records: BTreeMap::new(),
            started: Instant::now(),
            first_asked: HashMap::new(),
            listeners: Vec::new(),
        };
        Self(Handle { bug, store: Arc::new(Mutex::new(store)), ahead: 0, cut_off: false })
    }
}

#[async_trait]
impl Fixture for BrokenFixture {
    async fn handle(&self, clock: ClientClock) -> Arc<dyn Backend> {
        let ahead = match clock {
            ClientClock::True => 0,
            ClientClock::AnHourAhead => HOUR,
            ClientClock::AnHourBehind => -HOUR,
        };
        Arc::new(Handle { ahead, ..self.0.clone() })
    }

    async fn unanswered(&self) -> Option<Arc<dyn Backend>> {
        Some(Arc::new(Handle { cut_off: true, ..self.0.clone() }))
    }

    fn skew_allowance(&self) -> Duration {
        Duration::ZERO
    }

    fn notifies(&self) -> bool {
        true
    }

    async fn clean_up(&self, name: &LockName) {
        self.0.store().records.remove(name.as_str());
    }

    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        self.0.store().records.insert(name.to_string(), Record::spoilt(defect));
        true
    }

    async fn stored(&self, name: &LockName) -> String {
        format!("{:?}", self.0.store().records.get(name.as_str()))
    }
}
