//! What the tests say about their servers.

use std::io::Write;

/// Prints a line on stderr, past libtest, which captures what the print macros write: which server
/// the tests ran against belongs into the output of every run.
pub(crate) fn line(text: &str) {
    // One write, so that lines of processes that run at once do not mix. A closed stderr is no
    // reason to fail.
    let _ = std::io::stderr().write_all(format!("shylock-tests: {text}\n").as_bytes());
}
