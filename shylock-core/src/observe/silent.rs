//! What stands in for the facade `metrics` where the feature is off: nothing.

/// A number that nobody counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silent;

impl Silent {
    pub(super) fn increment<T>(self, _: T) {}
    pub(super) fn record<T>(self, _: T) {}
    pub(super) fn set<T>(self, _: T) {}
}

macro_rules! silent {
    ($($any:tt)*) => {
        super::silent::Silent
    };
}
pub(super) use {silent as counter, silent as gauge, silent as histogram};
