//! What expressions know besides their row, and what they leave behind.

use std::{mem, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    value::{Object, Value, number::Arithmetic},
};

#[derive(Debug)]
pub(crate) struct Runtime {
    binds: Arc<Object>,
    now: Now,
    pub(crate) plus_joins_strings: bool,
    pub(crate) arithmetic: Arithmetic,
    pub(crate) warnings: Vec<Warning>,
    sleep: Duration,
}

/// Where `DATE_NOW()` gets its value. Both ways exist, and texts must be right in both.
#[derive(Debug, Clone)]
pub(crate) enum Now {
    /// Read once, when the query was planned.
    Folded(i64),
    /// Read at every call.
    PerCall(Arc<Clock>),
}

#[derive(Debug, Clone)]
pub(crate) struct Warning {
    pub(crate) number: u32,
    pub(crate) message: String,
}

impl Runtime {
    pub(crate) fn new(binds: Arc<Object>, now: Now, plus_joins_strings: bool) -> Self {
        let arithmetic = Arithmetic::Running;
        Self { binds, now, plus_joins_strings, arithmetic, warnings: Vec::new(), sleep: Duration::ZERO }
    }

    /// The same, as long as the query is planned.
    pub(crate) fn planning(&self) -> Self {
        let Self { binds, now, plus_joins_strings, .. } = self;
        let running = Self::new(Arc::clone(binds), now.clone(), *plus_joins_strings);
        Self { arithmetic: Arithmetic::Planning, ..running }
    }

    /// Whether the clock is read once, while the query is planned.
    pub(crate) const fn folds_now(&self) -> bool {
        matches!(self.now, Now::Folded(_))
    }

    pub(crate) fn binds(&self) -> &Object {
        &self.binds
    }

    pub(crate) fn bind(&self, name: &str) -> Value {
        self.binds.get(name).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn now(&self) -> i64 {
        match &self.now {
            Now::Folded(now) => *now,
            Now::PerCall(clock) => clock.now(),
        }
    }

    pub(crate) fn warn(&mut self, number: u32, message: impl Into<String>) {
        self.warnings.push(Warning { number, message: message.into() });
    }

    /// Evaluation does not wait; the query does, before its next step.
    pub(crate) fn sleep(&mut self, duration: Duration) {
        self.sleep += duration;
    }

    pub(crate) fn take_sleep(&mut self) -> Duration {
        mem::take(&mut self.sleep)
    }
}
