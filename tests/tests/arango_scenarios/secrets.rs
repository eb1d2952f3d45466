//! No secret in logs, errors or `Debug`.

/// The password of every user of these tests.
pub(crate) const PASSWORD: &str = "canary-in-the-mine";
