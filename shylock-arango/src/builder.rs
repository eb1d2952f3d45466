//! [`ArangoBuilder`]: the options of an [`ArangoBackend`].

use std::{fmt, sync::Arc, time::Duration};

use arangors::{GenericConnection, client::ClientExt};
use shylock_core::{Error, Result};

use crate::{
    ArangoBackend, Credentials,
    error::{self, RequestError},
    http::{self, Limits},
    runtime,
    session::{Foreign, Own},
    uri,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Options of an [`ArangoBackend`].
#[derive(Clone, Default)]
#[must_use = "it does nothing until `connect` or `with_connection` is called"]
pub struct ArangoBuilder {
    settings: Settings,
    more_endpoints: Vec<String>,
    roots: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) collection: String,
    pub(crate) retention: Duration,
    pub(crate) index: IndexMode,
    pub(crate) create_database: bool,
    pub(crate) sharding: Option<Sharding>,
    pub(crate) replication_factor: Option<u32>,
    pub(crate) write_concern: Option<u32>,
    /// `None`: by the kind of the deployment.
    pub(crate) skew: Option<Duration>,
    pub(crate) limits: Limits,
    /// How many servers are asked in turn.
    pub(crate) endpoints: usize,
}

/// What to do about the collection's indexes: the one by which the server removes the records of idle locks, and the one
/// by which held locks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IndexMode {
    /// Look at all of them, refuse those that could remove or refuse a record, and make ours in the background if they are
    /// missing. If that fails, a warning says what is worse without them.
    #[default]
    Ensure,
    /// Leave indexes alone. Without ours, records of names that nobody uses any more stay, and listing locks reads them.
    Skip,
}

/// How the collections of a cluster's database are spread over its servers. A single server takes no notice of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharding {
    /// Each collection as it is made (`"flexible"`).
    Flexible,
    /// All of them on one server, which carries out each query as one transaction (`"single"`, OneShard): what
    /// [fenced writes](crate::Fence) need.
    Single,
}

impl Sharding {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flexible => "flexible",
            Self::Single => "single",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            collection: "shylock_locks".into(),
            retention: 24 * HOUR,
            index: IndexMode::default(),
            create_database: false,
            sharding: None,
            replication_factor: None,
            write_concern: None,
            skew: None,
            limits: Limits::default(),
            endpoints: 1,
        }
    }
}

impl ArangoBuilder {
    /// The collection of the locks, which must hold nothing else, and is made if it is not there: 1 to 256 bytes,
    /// without slashes and control characters, not beginning with `_`. Default: `shylock_locks`.
    pub fn collection(mut self, collection: impl Into<String>) -> Self {
        self.settings.collection = collection.into();
        self
    }

    /// How long the record of an idle lock is kept after its last lease: an hour to ten years, in whole seconds,
    /// default a day. The token grows on afterwards all the same, as long as the servers' clocks agree to within this
    /// time. It is fixed when the index is made; to change it, drop the index.
    pub const fn retention(mut self, retention: Duration) -> Self {
        self.settings.retention = retention;
        self
    }

    /// What to do about the indexes. Default: [`IndexMode::Ensure`].
    pub const fn index(mut self, mode: IndexMode) -> Self {
        self.settings.index = mode;
        self
    }

    /// Makes the database if it is not there, which takes an administrator's rights. Default: no.
    pub const fn create_database(mut self, create: bool) -> Self {
        self.settings.create_database = create;
        self
    }

    /// How [`create_database`](Self::create_database) makes the database of a cluster, for ever: no database changes it
    /// afterwards. With [`Sharding::Single`] a cluster's database that was made otherwise is refused. Default: the
    /// server's own, which is flexible unless `--cluster.force-one-shard` says otherwise.
    pub const fn sharding(mut self, sharding: Sharding) -> Self {
        self.settings.sharding = Some(sharding);
        self
    }

    /// On how many servers of a cluster each record shall be: 1 to 10. A collection that has fewer is refused. In a
    /// database with [`Sharding::Single`] that is for its collection `_graphs` to say, which all others follow.
    /// Default: the database's.
    pub const fn replication_factor(mut self, copies: u32) -> Self {
        self.settings.replication_factor = Some(copies);
        self
    }

    /// How many servers of a cluster must have a grant before it counts: 1 to 10, and no more than the replication
    /// factor. A collection that asks for fewer is refused. Default: the database's, with a warning if that is 1: a
    /// server that dies could then take a grant with it. It is `_graphs`' to say where that is the replication factor.
    pub const fn write_concern(mut self, copies: u32) -> Self {
        self.settings.write_concern = Some(copies);
        self
    }

    /// The skew allowance ε: how wrong the clock of a coordinator can be; at most an hour. An expired lease is
    /// taken over 2ε after its end. Default: 250 ms in a cluster, and 0 for a single server.
    pub const fn skew_allowance(mut self, skew: Duration) -> Self {
        self.settings.skew = Some(skew);
        self
    }

    /// Another coordinator of the **same cluster**, to be asked when the ones before it cannot be reached.
    pub fn endpoint(mut self, uri: impl Into<String>) -> Self {
        self.more_endpoints.push(uri.into());
        self
    }

    /// How long a connection of [`connect`](Self::connect) may take to be made: 10 ms to a minute, default 2 s. The
    /// time of its request goes on meanwhile.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.connect = timeout;
        self
    }

    /// How long one request may take, from sending it to the end of its answer: 10 ms to a minute, default 5 s. The
    /// server kills a query that takes longer.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.request = timeout;
        self
    }

    /// A certificate authority to trust, in PEM format, besides those of the web. [`connect`](Self::connect) checks it.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Connects. See [`ArangoBackend::connect`], also for cancel safety.
    ///
    /// # Errors
    /// Those of [`ArangoBackend::connect`], and [`Error::InvalidOption`] for options outside of their bounds.
    pub async fn connect(
        mut self,
        uri: impl AsRef<str>,
        database: impl AsRef<str>,
        credentials: Credentials,
    ) -> Result<ArangoBackend> {
        self.settings.check(database.as_ref())?;
        let uris = [uri.as_ref()].into_iter().chain(self.more_endpoints.iter().map(String::as_str));
        let endpoints = uris.map(uri::parse).collect::<Result<Vec<_>>>()?;
        self.settings.endpoints = endpoints.len();
        runtime::equipped().map_err(RequestError::of_read)?;
        let connection = http::connection(endpoints, credentials, self.settings.limits, &self.roots).await?;
        let backend = ArangoBackend::with(Arc::new(Own(connection)), database.as_ref(), self.settings);
        backend.connected().await.map_err(error::of_setup)
    }

    /// Uses a connection that you have. See [`ArangoBackend::from_connection`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for options outside of their bounds, and for [`endpoint`](Self::endpoint) and
    /// [`root_certificate`](Self::root_certificate), which are the connection's own.
    pub fn with_connection<C: ClientExt + Send + Sync + 'static>(
        self,
        connection: GenericConnection<C>,
        database: impl AsRef<str>,
    ) -> Result<ArangoBackend> {
        self.settings.check(database.as_ref())?;
        if !self.more_endpoints.is_empty() {
            return Err(invalid("endpoint", "the connection has its own"));
        }
        if !self.roots.is_empty() {
            return Err(invalid("root_certificate", "the connection has its own"));
        }
        let Limits { request: patience, reply: limit, .. } = self.settings.limits;
        let session = Arc::new(Foreign { connection, patience, limit });
        Ok(ArangoBackend::with(session, database.as_ref(), self.settings))
    }
}

impl fmt::Debug for ArangoBuilder {
    /// Without the endpoints, which are not checked yet: somebody may have put a password into one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArangoBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Settings {
    /// The numbers of copies that were asked for, by the names that ArangoDB has for them.
    pub(crate) fn copies(&self) -> Vec<(&'static str, u32)> {
        let all = [("replicationFactor", self.replication_factor), ("writeConcern", self.write_concern)];
        all.into_iter().filter_map(|(name, number)| Some((name, number?))).collect()
    }

    fn check(&self, database: &str) -> Result<()> {
        check_name("database", database, 128)?;
        check_name("collection", &self.collection, 256)?;
        if self.collection.starts_with('_') {
            return Err(invalid("collection", "names that begin with `_` are the server's"));
        }
        if !(HOUR..=HOUR * 24 * 3660).contains(&self.retention) {
            return Err(invalid("retention", "it is not between an hour and ten years"));
        }
        if self.skew.is_some_and(|skew| skew > HOUR) {
            return Err(invalid("skew_allowance", "it is more than an hour"));
        }
        let (copies, concern) = (self.replication_factor, self.write_concern);
        if copies.is_some_and(|copies| !(1..=10).contains(&copies)) {
            return Err(invalid("replication_factor", "it is not between 1 and 10"));
        }
        if concern.is_some_and(|concern| !(1..=copies.unwrap_or(10)).contains(&concern)) {
            return Err(invalid("write_concern", "it is not between 1 and the replication factor, or 10"));
        }
        let times = [("connect_timeout", self.limits.connect), ("request_timeout", self.limits.request)];
        match times.into_iter().find(|(_, time)| !(Duration::from_millis(10)..=HOUR / 60).contains(time)) {
            Some((option, _)) => Err(invalid(option, "it is not between 10 ms and a minute")),
            None => Ok(()),
        }
    }
}

/// Both kinds of names can be almost anything on servers with extended names.
fn check_name(option: &'static str, name: &str, most: usize) -> Result<()> {
    if name.is_empty() || name.len() > most {
        return Err(invalid(option, format!("its name has {} bytes, 1 to {most} are allowed", name.len())));
    }
    if matches!(name, "." | "..") {
        return Err(invalid(option, "such a name cannot stand in a path"));
    }
    match name.chars().find(|c| c.is_control() || "/\\".contains(*c)) {
        Some(c) => Err(invalid(option, format!("its name has the character {c:?}"))),
        None => Ok(()),
    }
}

pub(crate) fn invalid(option: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidOption { option, reason: reason.into() }
}
