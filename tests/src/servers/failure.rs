//! Errors of the infrastructure: nobody handles them, somebody reads them.

/// A sentence that says what failed; a `String` because one failure is told to many tests.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Says what was being done when something failed.
pub(crate) trait While<T> {
    /// `what` is a sentence fragment such as "cannot start python3".
    fn or_say(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::fmt::Display> While<T> for std::result::Result<T, E> {
    fn or_say(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| format!("{}: {error}", what()))
    }
}
