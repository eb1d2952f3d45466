//! [`SqliteBuilder`]: the options of a [`SqliteBackend`].

use std::{path::Path, time::Duration};

use shylock_core::{Error, Result};

use crate::{SqliteBackend, setup, worker::Worker};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Options of a [`SqliteBackend`].
#[derive(Debug, Clone, Default)]
#[must_use = "it does nothing until `open` is called"]
pub struct SqliteBuilder {
    settings: Settings,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) retention: Duration,
    pub(crate) network_file_systems: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention: HOUR * 24, network_file_systems: false }
    }
}

impl SqliteBuilder {
    /// How long the record of an idle lock is kept at least: an hour to ten years, default a day. The token grows on
    /// afterwards all the same.
    pub const fn retention(mut self, retention: Duration) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Whether the file may lie on a network file system, with a [weakness](SqliteBackend::weaknesses) in place of the
    /// refusal. **All processes must run on one machine even then**: another one has another clock, and does not see what
    /// this one has in memory, so that both would grant the same lock. Default: no.
    pub const fn allow_network_file_system(mut self, allowed: bool) -> Self {
        self.settings.network_file_systems = allowed;
        self
    }

    /// Opens the file. See [`SqliteBackend::open`], also for cancel safety.
    ///
    /// # Errors
    /// Those of [`SqliteBackend::open`], and [`Error::InvalidOption`] for options outside of their bounds.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteBackend> {
        let Self { settings } = self;
        if !(HOUR..=HOUR * 24 * 3660).contains(&settings.retention) {
            return Err(invalid("retention", "it is not between an hour and ten years"));
        }
        let path = path.as_ref().to_owned();
        let (worker, weaknesses) = Worker::start(move || setup::open(&path, &settings)).await?;
        Ok(SqliteBackend::new(worker, weaknesses))
    }
}

pub(crate) fn invalid(option: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidOption { option, reason: reason.into() }
}
