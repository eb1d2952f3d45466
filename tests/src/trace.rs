//! Everything that the crates and the driver log, where a test wants to see it.

use tracing::Level;

/// The variable that asks for all logs on stderr.
pub const TRACE: &str = "SHYLOCK_TEST_TRACE";

/// Logs everything to stderr if `SHYLOCK_TEST_TRACE` is set. May be called often.
pub fn trace() {
    if std::env::var_os(TRACE).is_some() {
        let logs = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
        // Only the first call of a process has an effect.
        drop(logs.with_writer(std::io::stderr).try_init());
    }
}
