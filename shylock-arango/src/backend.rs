//! [`ArangoBackend`]: the promises of [`Backend`], each in one query where there is nobody in the way.

use std::{fmt, sync::Arc, time::Duration};

use arangors::{GenericConnection, client::ClientExt};
use async_trait::async_trait;
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, Failure, HandOff, LeaseKey, ListQuery, LockInfo, LockName,
    ReleaseOutcome, RenewOutcome, Renewal, Result, Watch,
};
use tokio::sync::OnceCell;

use crate::{
    Credentials, acquisition, batch,
    builder::{ArangoBuilder, Settings},
    database::Database,
    errno::Meaning,
    error::{self, RequestError},
    listing,
    patience::{PROPAGATION, Patience},
    record,
    seen::Seen,
    session::Session,
    setup::{self, Ready},
};

/// Locks in a collection of an ArangoDB database.
///
/// Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct ArangoBackend(Arc<Inner>);

struct Inner {
    database: Database,
    settings: Settings,
    /// Made with the first call: it depends on the kind of the deployment.
    ready: OnceCell<Ready>,
    seen: Seen,
}

impl ArangoBackend {
    /// Connects with an HTTP client of its own, so that an exhausted connection pool of the application cannot cost a
    /// lease; makes the collection and its TTL index if they are not there, and checks that the collection is one
    /// that can keep the promises and that the server takes each of our queries.
    ///
    /// It fails at once if there is no connection or no answer. It repeats for up to 5 s what passes, such as a leader that
    /// moves or a server that starts up, and for up to a minute what a cluster does not know yet after something was made.
    /// It waits for new indexes for up to 2 s; they are made in the background.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most a collection, or a database, that was made.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](shylock_core::Error::InvalidOption) for an address or a name that cannot be right,
    /// or a collection that cannot; [`Error::Backend`](shylock_core::Error::Backend), with a
    /// [`RequestError`] as its source, if no server answers as it should, or outside of a tokio runtime with timers and
    /// I/O: there, use `sync::block_on`.
    pub async fn connect(uri: impl AsRef<str>, database: impl AsRef<str>, credentials: Credentials) -> Result<Self> {
        Self::builder().connect(uri, database, credentials).await
    }

    /// Locks in a database of a connection that you have. No I/O: what [`connect`](Self::connect) makes and checks is
    /// made and checked with the first call.
    ///
    /// The connection's time-outs, logins, TLS and pool are yours. arangors' own client has no time-outs, so that
    /// requests which we have stopped waiting for keep their connections; and its login is never renewed.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](shylock_core::Error::InvalidOption) for a name that cannot be right.
    pub fn from_connection<C: ClientExt + Send + Sync + 'static>(
        connection: GenericConnection<C>,
        database: impl AsRef<str>,
    ) -> Result<Self> {
        Self::builder().with_connection(connection, database)
    }

    /// Options of your own.
    pub fn builder() -> ArangoBuilder {
        ArangoBuilder::default()
    }

    /// Returns what could be better about the store of the locks, a sentence each: nothing of it keeps locks from working.
    /// Empty if all is as it should be. Looks once, with the first call of the backend, which is this one if there was
    /// none.
    ///
    /// # Cancel safety
    /// Like [`connect`](Self::connect).
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    ///
    /// # Examples
    /// ```no_run
    /// # use shylock_arango::{ArangoBackend, Credentials};
    /// # async fn example() -> shylock_arango::Result<()> {
    /// let backend = ArangoBackend::connect("http://localhost:8529", "projectdb", Credentials::none()).await?;
    /// for weakness in backend.weaknesses().await? {
    ///     println!("{weakness}");
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn weaknesses(&self) -> Result<&[String]> {
        Ok(&self.ready().await.map_err(error::of_setup)?.weaknesses)
    }

    /// Returns the skew allowance in use: the one that was [set](ArangoBuilder::skew_allowance), or the one of this kind
    /// of deployment, which is zero for a single server.
    ///
    /// # Cancel safety
    /// Like [`connect`](Self::connect).
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub async fn skew_allowance(&self) -> Result<Duration> {
        Ok(self.ready().await.map_err(error::of_setup)?.queries.skew)
    }

    pub(crate) fn with(session: Arc<dyn Session>, database: &str, settings: Settings) -> Self {
        let max_runtime = settings.limits.request;
        let database = Database { session, name: database.into(), max_runtime };
        Self(Arc::new(Inner { database, settings, ready: OnceCell::new(), seen: Seen::default() }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Looks at the server before the first call, and waits a moment for new indexes.
    pub(crate) async fn connected(self) -> Result<Self, BackendError> {
        let Inner { database, settings, ready, .. } = &*self.0;
        ready.get_or_try_init(|| setup::prepare(database, settings, Patience::CONNECTING)).await?;
        Ok(self)
    }

    /// What is known of the server; looks at the first call.
    pub(crate) async fn ready(&self) -> Result<&Ready, BackendError> {
        let Inner { database, settings, ready, .. } = &*self.0;
        ready.get_or_try_init(|| setup::prepare(database, settings, Patience::FIRST_CALL)).await
    }

    async fn record(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let ready = self.ready().await?;
        let rows = self.0.database.run(&ready.queries.peek(name)).await.map_err(|error| ready.of_read(error))?;
        match rows.first() {
            Some(row) => record::read(name, row, ready.queries.skew).map_err(BackendError::of_look),
            None => Ok(None),
        }
    }
}

impl Ready {
    /// As the engine sees the failure of a write.
    pub(crate) fn of_write(&self, error: RequestError) -> BackendError {
        self.unless_new(error, RequestError::of_write)
    }

    /// As the engine sees the failure of a read.
    pub(crate) fn of_read(&self, error: RequestError) -> BackendError {
        self.unless_new(error, RequestError::of_read)
    }

    /// Another coordinator may not know yet what was made a moment ago: that passes.
    fn unless_new(&self, error: RequestError, otherwise: fn(RequestError) -> BackendError) -> BackendError {
        let new = self.made.is_some_and(|made| made.elapsed() < PROPAGATION);
        if new && error.meaning() == Meaning::Missing {
            return BackendError::not_applied(error, None);
        }
        otherwise(error)
    }
}

/// That a lease is not there is certain only if the first query said so. A repeated one may have met what a first one
/// did, should a server ever tell of a conflict too late; to ask again settles it.
pub(crate) fn not_held(repeated: bool) -> Result<(), BackendError> {
    if repeated { Err(BackendError::ambiguous("the lease is gone after a conflict")) } else { Ok(()) }
}

#[async_trait]
impl Backend for ArangoBackend {
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let Inner { database, seen, .. } = &*self.0;
        let look = || self.record(&request.name);
        let attempt = acquisition::attempt(database, self.ready().await?, request, seen, look).await?;
        match &attempt {
            Attempt::Granted(_) => seen.forget(&request.name),
            Attempt::Held(_) => seen.held(&request.name),
        }
        Ok(attempt)
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let ready = self.ready().await?;
        batch::renew(&self.0.database, &ready.queries, leases).await.map_err(|error| ready.of_write(error))
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        let outcomes = batch::release(&self.0.database, self.ready().await?, leases).await;
        leases.iter().for_each(|lease| self.0.seen.forget(&lease.name));
        outcomes
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let ready = self.ready().await?;
        let answer = self.0.database.run_and_tell(&ready.queries.hand_off(from, to)).await;
        let (rows, repeated) = answer.map_err(|error| ready.of_write(error))?;
        let Some(row) = rows.first() else { return not_held(repeated).map(|()| HandOff::NotHeld) };
        let record = record::read(&to.name, row, ready.queries.skew)?;
        let grant = record.and_then(|info| info.grant_of(to.holder));
        grant.map(HandOff::Granted).ok_or_else(|| BackendError::ambiguous("the server answers with another's record"))
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        Ok(self.record(name).await?.filter(LockInfo::is_live))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let ready = self.ready().await?;
        listing::page(&self.0.database, &ready.queries, query).await.map_err(|error| ready.of_read(error))
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let ready = self.ready().await?;
        let rows = self.0.database.run(&ready.queries.peek(name)).await.map_err(|error| ready.of_read(error))?;
        let Some(row) = rows.first() else { return Ok(false) };
        match record::read(name, row, ready.queries.skew) {
            Ok(_) => return Ok(false),
            Err(error) if !matches!(error.failure(), Failure::Corrupt { .. }) => return Err(error.of_look()),
            Err(_) => {}
        }
        let Some(rev) = row["rev"].as_str() else {
            return Err(BackendError::not_applied("the server answers without a revision", None));
        };
        // A record that has changed since then is looked at anew by whoever repeats this.
        let rows = self.0.database.run(&ready.queries.repair(name, rev, record::token(row))).await;
        if rows.map_err(|error| ready.of_write(error))?.is_empty() {
            return Err(BackendError::not_applied("the record has changed meanwhile", None));
        }
        self.0.seen.forget(name);
        Ok(true)
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        Ok(Watch::Unsupported)
    }
}

impl fmt::Debug for ArangoBackend {
    /// Without the connection, which holds the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { database, settings, .. } = &*self.0;
        f.debug_struct("ArangoBackend").field("database", &database.name).field("settings", settings).finish()
    }
}
