//! [`MongoBackend`]: the promises of [`Backend`], each in one command.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mongodb::{Database, bson::Document};
use shylock_core::{
    AcquireRequest, Attempt, Backend, BackendError, Failure, HandOff, LeaseKey, ListQuery, LockInfo, LockName,
    ReleaseOutcome, RenewOutcome, Renewal, Result, Watch,
};
use tokio::sync::OnceCell;

use crate::{
    builder::{MongoBuilder, Settings},
    command, error,
    mongo_error::MongoError,
    query::Queries,
    record, release, runtime,
    setup::{self, Prepared},
    watch::Notices,
};

/// Locks in a collection of a MongoDB database.
///
/// Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct MongoBackend(Arc<Inner>);

struct Inner {
    database: Database,
    settings: Settings,
    /// Made with the first call: it depends on the kind of the deployment.
    prepared: OnceCell<Prepared>,
    notices: Notices,
    /// Whether the server has refused reads of what a majority has.
    local_reads: AtomicBool,
}

impl MongoBackend {
    /// Connects with a client of its own, so that an exhausted connection pool of the application cannot cost a
    /// lease, and checks that the server and the collection are ones that can keep the promises. The indexes are made in
    /// the background.
    ///
    /// An election or a shed load at this moment is waited out: for 3 s, or for the `serverSelectionTimeoutMS` of the
    /// address, which also limits how long name servers may take. Options of the address that do not matter for locks,
    /// such as `useUnifiedTopology` or `compressors`, are ignored with a warning.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left but what was made in the store, which is found there the next time.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](shylock_core::Error::InvalidOption) for an address or a name that cannot be right, with the
    /// name of an option that the driver does not know, or for a collection that cannot hold locks;
    /// [`Error::Backend`](shylock_core::Error::Backend) if no server answers as it should in that time, if the server is
    /// one that cannot hold locks, or if this runs outside of a tokio runtime with timers and I/O: there, use
    /// `sync::block_on`. Its source is a [`MongoError`](crate::MongoError).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> shylock_mongo::Result<()> {
    /// use shylock_mongo::{LockManager, MongoBackend};
    ///
    /// let backend = MongoBackend::connect("mongodb://db1,db2,db3/?replicaSet=rs0", "projectdb").await?;
    /// let guard = LockManager::new(backend).lock("invoice-42").acquire().await?;
    /// guard.release().await?;
    /// # Ok(()) }
    /// ```
    pub async fn connect(uri: impl AsRef<str>, database: impl AsRef<str>) -> Result<Self> {
        Self::builder().connect(uri, database).await
    }

    /// Locks in a database of a client that you have. No I/O: what [`connect`](Self::connect) checks is checked
    /// with the first call.
    ///
    /// A client works as long as the tokio runtime on which it was made. In tests, each of which has a runtime of its own
    /// (`#[tokio::test]`), make a client in each.
    ///
    /// Its write concern and read preference do not matter; its time-outs and the size of its pool do: two connections
    /// are the least, since the [change stream](MongoBuilder::change_stream) keeps one busy.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self::with(database, Settings::default())
    }

    /// Options of your own.
    pub fn builder() -> MongoBuilder {
        MongoBuilder::default()
    }

    pub(crate) fn with(database: Database, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            database,
            settings,
            prepared: OnceCell::new(),
            notices: Notices::default(),
            local_reads: AtomicBool::new(false),
        }))
    }

    /// The commands for this deployment; checks it at the first call.
    pub(crate) async fn queries(&self) -> Result<&Queries, BackendError> {
        let Inner { database, settings, prepared, .. } = &*self.0;
        Ok(&prepared.get_or_try_init(|| setup::prepare(database, settings)).await?.queries)
    }

    /// Finds out whether the server can hold locks.
    pub(crate) async fn check(&self) -> Result<(), BackendError> {
        self.queries().await?;
        setup::try_out(&self.0.database, self.collection()).await
    }

    pub(crate) fn database(&self) -> &str {
        self.0.database.name()
    }

    pub(crate) fn collection(&self) -> &str {
        &self.0.settings.collection
    }

    async fn run(&self, command: Document) -> Result<Document, BackendError> {
        command::run(&self.0.database, command).await
    }

    /// A look: it sees what a majority has, or, where the server cannot tell that, what the primary has.
    async fn look(&self, mut command: Document) -> Result<Document, BackendError> {
        let local = &self.0.local_reads;
        if !local.load(Ordering::Relaxed) {
            match self.run(command.clone()).await {
                Err(error) if error::has_no_majority_reads(&error) => local.store(true, Ordering::Relaxed),
                reply => return reply,
            }
        }
        command.remove("readConcern");
        self.run(command).await
    }

    async fn inspected(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        let queries = self.queries().await?;
        let reply = self.look(queries.inspect(name)).await?;
        Ok(record::read(name, command::batch(&reply)?.first().copied(), queries.skew)?.filter(LockInfo::is_live))
    }

    async fn listed(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        let queries = self.queries().await?;
        let reply = self.look(queries.list(query)).await?;
        let live = |found: &Document| {
            let name = LockName::new(found.get_document("record").ok()?.get_str("_id").ok()?).ok()?;
            record::read(&name, Some(found), queries.skew).ok()?.filter(LockInfo::is_live)
        };
        Ok(command::batch(&reply)?.into_iter().filter_map(live).collect())
    }

    /// The leases of these that are live.
    async fn live(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        let reply = self.run(self.queries().await?.live(leases)).await?;
        let live: Vec<LeaseKey> = command::batch(&reply)?.iter().filter_map(|found| record::key(found)).collect();
        let outcome = |wanted: &Renewal| {
            if live.contains(&wanted.lease) { RenewOutcome::Renewed } else { RenewOutcome::NotHeld }
        };
        Ok(leases.iter().map(outcome).collect())
    }
}

/// What the reply to [`Queries::acquire`] says.
pub(crate) fn attempt(request: &AcquireRequest, reply: &Document, skew: Duration) -> Result<Attempt, BackendError> {
    let Some(found) = command::value(reply) else {
        return Err(BackendError::ambiguous(MongoError::new("the reply of the server has no record")));
    };
    match record::read(&request.name, Some(found), skew)? {
        Some(info) => Ok(info.grant_of(request.holder).map_or_else(|| Attempt::Held(info), Attempt::Granted)),
        None => Err(BackendError::corrupt(request.name.clone(), "it is neither held nor can it be taken")),
    }
}

#[async_trait]
impl Backend for MongoBackend {
    /// The connections of its pool, but for that of the change stream.
    fn concurrency(&self) -> usize {
        let Settings { pool, change_stream, .. } = self.0.settings;
        usize::try_from(pool).unwrap_or(usize::MAX).saturating_sub(usize::from(change_stream)).max(1)
    }

    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError> {
        let queries = self.queries().await?;
        let reply = match self.run(queries.acquire(request)).await {
            // Of two that make the record at once, 4.4 refuses one. By now it is there.
            Err(error) if error::is_duplicate(&error) => self.run(queries.acquire(request)).await?,
            reply => reply?,
        };
        attempt(request, &reply, queries.skew)
    }

    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let reply = self.run(self.queries().await?.renew(leases)).await?;
        // `n` counts matches; `nModified` leaves out leases that were renewed twice within a millisecond.
        if command::count(&reply, "n")? == leases.len() {
            return Ok(vec![RenewOutcome::Renewed; leases.len()]);
        }
        self.live(leases).await
    }

    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let reply = command::send(&self.0.database, self.queries().await?.release(leases)).await?;
        release::outcomes(&reply, leases.len())
    }

    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError> {
        let queries = self.queries().await?;
        let reply = self.run(queries.hand_off(from, to)).await?;
        let record = record::read(&to.name, command::value(&reply), queries.skew)?;
        Ok(record.and_then(|info| info.grant_of(to.holder)).map_or(HandOff::NotHeld, HandOff::Granted))
    }

    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError> {
        self.inspected(name).await.map_err(BackendError::of_look)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError> {
        self.listed(query).await.map_err(BackendError::of_look)
    }

    async fn repair(&self, name: &LockName) -> Result<bool, BackendError> {
        let queries = self.queries().await?;
        let before = self.run(queries.repair(name)).await?;
        match record::read(name, command::value(&before), queries.skew) {
            Err(error) if matches!(error.failure(), Failure::Corrupt { .. }) => Ok(true),
            read => read.map(|_| false),
        }
    }

    async fn watch(&self) -> Result<Watch, BackendError> {
        runtime::entered()?;
        let Inner { database, settings, notices, .. } = &*self.0;
        if !settings.change_stream {
            return Ok(Watch::Unsupported);
        }
        match notices.listen(&database.collection(&settings.collection)).await {
            Err(error) if error::has_no_change_streams(&error) => {
                tracing::info!("this server has no change streams; waiting for locks is polling");
                Ok(Watch::Unsupported)
            }
            names => names.map(Watch::Freed),
        }
    }
}

impl fmt::Debug for MongoBackend {
    /// Without the client, whose options hold the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { database, settings, .. } = &*self.0;
        f.debug_struct("MongoBackend").field("database", &database.name()).field("settings", settings).finish()
    }
}
