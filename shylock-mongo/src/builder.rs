//! [`MongoBuilder`]: the options of a [`MongoBackend`].

use std::time::Duration;

use mongodb::{Client, Database};
use shylock_core::{BackendError, Error, Result};

use crate::{MongoBackend, attempts::until_answered, error, mongo_error::MongoError, runtime, uri};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long to look for a server that can serve a request, unless the address says otherwise.
const SERVER_SELECTION: Duration = Duration::from_secs(3);
/// How long a connection may take to be made, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(3);

/// The connections of a pool whose size nobody has named: the driver's default.
const POOL: u32 = 10;

/// How often to look at each server, unless the address says otherwise. A server that has told of an error is not used
/// before the driver has looked at it again; the driver's 10 s would be a third of a lease.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Options of a [`MongoBackend`].
#[derive(Debug, Clone, Default)]
#[must_use = "it does nothing until `connect` or `with_database` is called"]
pub struct MongoBuilder {
    settings: Settings,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) collection: String,
    pub(crate) retention: Duration,
    pub(crate) index: IndexMode,
    /// `None`: by the kind of the deployment.
    pub(crate) skew: Option<Duration>,
    pub(crate) change_stream: bool,
    /// The connections of the client's pool.
    pub(crate) pool: u32,
}

/// What to do about the indexes: one by which the server removes the records of idle locks, and one that has the held
/// locks only, so that listing them does not read the others. They decide nothing, and no call waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IndexMode {
    /// Makes them in the background, once per backend, if they are not there. A warning says so where the right is
    /// missing, the server refuses, or a majority of its members does not take part in time.
    #[default]
    Ensure,
    /// Leaves indexes alone. Without them, records of names that nobody uses any more stay, and are read by each list.
    Skip,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            collection: "shylock_locks".into(),
            retention: 24 * HOUR,
            index: IndexMode::default(),
            skew: None,
            change_stream: true,
            pool: POOL,
        }
    }
}

impl MongoBuilder {
    /// The collection of the locks, which must hold nothing else: 1 to 255 bytes, without `$`, not beginning with
    /// `system.`. Default: `shylock_locks`.
    pub fn collection(mut self, collection: impl Into<String>) -> Self {
        self.settings.collection = collection.into();
        self
    }

    /// How long the record of an idle lock is kept after its last lease, between half of this time and all of it: an
    /// hour to ten years, default a day. The token grows on afterwards all the same, as long as the servers' clocks
    /// agree to within half of this time.
    pub const fn retention(mut self, retention: Duration) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Sets what to do about the indexes. Default: [`IndexMode::Ensure`].
    pub const fn index(mut self, mode: IndexMode) -> Self {
        self.settings.index = mode;
        self
    }

    /// The skew allowance ε: how wrong the clock of a server can be that may become primary (on a sharded cluster, of a
    /// router); at most an hour. An expired lease is taken over 2ε after its end. Default: 250 ms, and
    /// 0 for a standalone server.
    pub const fn skew_allowance(mut self, skew: Duration) -> Self {
        self.settings.skew = Some(skew);
        self
    }

    /// Whether those who wait are told by a change stream when a lock comes free. It takes a replica set and the right
    /// `changeStream`; without, they poll. There is one stream a process and backend while somebody waits, which keeps
    /// one connection busy, and costs the server some work with each write to any collection (a fifth more, measured
    /// on a small server). Default: yes.
    pub const fn change_stream(mut self, wanted: bool) -> Self {
        self.settings.change_stream = wanted;
        self
    }

    /// Connects. See [`MongoBackend::connect`], also for cancel safety.
    ///
    /// # Errors
    /// Those of [`MongoBackend::connect`], and [`Error::InvalidOption`] for options outside of their bounds.
    pub async fn connect(self, uri: impl AsRef<str>, database: impl AsRef<str>) -> Result<MongoBackend> {
        self.settings.check()?;
        let database = database.as_ref();
        check_name("database", database, 63, "/\\. \"$*<>:|?\0")?;
        runtime::equipped()?;
        let mut options = uri::parse(uri.as_ref(), SERVER_SELECTION).await?;
        let limit = *options.server_selection_timeout.get_or_insert(SERVER_SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
        options.app_name.get_or_insert_with(|| "shylock".into());
        let mut settings = self.settings;
        // The driver takes 0 for no limit.
        settings.pool = options.max_pool_size.map_or(POOL, |size| if size == 0 { u32::MAX } else { size });
        if settings.pool == 1 && settings.change_stream {
            tracing::warn!(
                "a pool of one connection has none to spare for a change stream; waiting for locks is polling"
            );
            settings.change_stream = false;
        }
        // Nothing was sent yet: a file of a key that is not there will not be there the next time.
        let client = Client::with_options(options).map_err(|error| BackendError::permanent(MongoError::from(error)))?;
        let backend = MongoBackend::with(client.database(database), settings);
        until_answered(limit, || backend.check()).await.map_err(error::of_setup)?;
        Ok(backend)
    }

    /// Uses a database of a client that you have. See [`MongoBackend::new`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for options outside of their bounds.
    pub fn with_database(self, database: Database) -> Result<MongoBackend> {
        self.settings.check()?;
        Ok(MongoBackend::with(database, self.settings))
    }
}

impl Settings {
    fn check(&self) -> Result<()> {
        check_name("collection", &self.collection, 255, "$\0")?;
        if self.collection.starts_with("system.") {
            return Err(invalid("collection", "names that begin with `system.` are the server's"));
        }
        if !(HOUR..=HOUR * 24 * 3660).contains(&self.retention) {
            return Err(invalid("retention", "it is not between an hour and ten years"));
        }
        if self.skew.is_some_and(|skew| skew > HOUR) {
            return Err(invalid("skew_allowance", "it is more than an hour"));
        }
        Ok(())
    }
}

fn check_name(option: &'static str, name: &str, most: usize, forbidden: &str) -> Result<()> {
    if name.is_empty() || name.len() > most {
        return Err(invalid(option, format!("its name has {} bytes, 1 to {most} are allowed", name.len())));
    }
    match name.chars().find(|c| forbidden.contains(*c)) {
        Some(c) => Err(invalid(option, format!("its name has the character {c:?}"))),
        None => Ok(()),
    }
}

pub(crate) fn invalid(option: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidOption { option, reason: reason.into() }
}
