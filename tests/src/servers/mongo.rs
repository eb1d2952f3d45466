//! What tests hold in their hands.

use std::{fmt, panic::Location, sync::Arc};

use mongodb::{Client, bson::Document};

use super::{
    authentication,
    failure::Result,
    flag::Flag,
    kind::Kind,
    runtime,
    server::{self, Server},
    shared,
    source::{Choice, GIVEN, Source, WITHOUT_DOCKER},
    version::{Version, series},
};

/// A MongoDB deployment. It holds no client, as a client lives and dies with the runtime, that is
/// the test, that made it.
///
/// # Panics
///
/// The functions panic, with what was tried, when something does not work: a test that cannot have
/// its server has failed.
#[derive(Clone)]
pub struct Mongo {
    server: Arc<Server>,
}

impl Mongo {
    /// The standalone server of this process, of the version for tests in the caller's file.
    #[track_caller]
    pub fn standalone() -> impl Future<Output = Self> + Send {
        Self::of(Version::for_caller(Location::caller()), Kind::Standalone)
    }

    /// The replica set of this process with that many members, of the version for tests in the caller's file.
    #[track_caller]
    pub fn replica_set(members: usize) -> impl Future<Output = Self> + Send {
        Self::of(Version::for_caller(Location::caller()), Kind::ReplicaSet(members))
    }

    /// The standalone server of this process that asks for passwords, of the version for tests in the caller's file.
    #[track_caller]
    pub fn with_auth() -> impl Future<Output = Self> + Send {
        Self::of(Version::for_caller(Location::caller()), Kind::WithAuth)
    }

    /// The server of this process of that kind and version.
    pub async fn of(version: Version, kind: Kind) -> Self {
        crate::trace();
        let Choice { source, because } = Choice::made().await;
        let version = version.or_of_this_run();
        let server = shared::server(kind, version, source).await;
        Self::or_panic(version, kind, source, &because, server)
    }

    /// A deployment that is not shared, and is gone when its last clone is dropped, of the version for tests in the
    /// caller's file.
    #[track_caller]
    pub fn start(kind: Kind, source: Source) -> impl Future<Output = Self> + Send {
        Self::start_version(Version::for_caller(Location::caller()), kind, source)
    }

    /// A deployment of that version that is not shared, and is gone when its last clone is dropped.
    pub async fn start_version(version: Version, kind: Kind, source: Source) -> Self {
        crate::trace();
        let version = version.or_of_this_run();
        let server = runtime::run(server::get(kind, version, source)).await;
        Self::or_panic(version, kind, source, "asked for", server.map(Arc::new))
    }

    /// A standalone of the test's own that is started with these flags, of the version for tests in the caller's file;
    /// `options` are those of its connection string.
    #[track_caller]
    pub fn start_with(flags: &[Flag], options: &str) -> impl Future<Output = Self> + Send {
        Self::start_flagged(Version::for_caller(Location::caller()), Kind::Standalone, flags, options)
    }

    /// A deployment of the test's own that is started with these flags; `options` are those of its connection string.
    /// Where there is a given server, it is a child process.
    pub fn start_flagged(
        version: Version,
        kind: Kind,
        flags: &[Flag],
        options: &str,
    ) -> impl Future<Output = Self> + Send + use<> {
        let (version, flags, options) = (version.or_of_this_run(), flags.to_vec(), options.to_owned());
        async move {
            crate::trace();
            let source = match Source::chosen().await {
                Source::Given => Source::ChildProcess,
                chosen => chosen,
            };
            let start = async move { server::start_with(kind, version, source, &flags, &options).await };
            let server = runtime::run(start).await;
            Self::or_panic(version, kind, source, "asked for", server.map(Arc::new))
        }
    }

    /// Whether its version is this one or a later one.
    ///
    /// # Panics
    /// Its version is no number.
    #[must_use]
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        series(self.version()).expect("a version begins with two numbers") >= (major, minor)
    }

    /// Its version, as it says itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.server.version
    }

    /// The connection string; on servers with authentication, that of a user who may do anything.
    #[must_use]
    pub fn uri(&self) -> String {
        self.server.connection.secret()
    }

    /// The connection string of another user, who is one of the database `admin`.
    #[must_use]
    pub fn uri_for(&self, user: &str, password: &str) -> String {
        self.server.connection.with_user(user, password).secret()
    }

    /// Hosts and ports with commas between them.
    #[must_use]
    pub fn hosts(&self) -> &str {
        self.server.connection.hosts()
    }

    /// A new client of [`Self::uri`].
    ///
    /// # Panics
    /// The driver makes none.
    pub async fn client(&self) -> Client {
        let client = Client::with_uri_str(self.uri()).await;
        client.unwrap_or_else(|error| panic!("shylock-tests: no client of {self:?}: {error}"))
    }

    /// Creates a user with just these privileges, for [`Self::uri_for`].
    ///
    /// # Panics
    /// The server refuses.
    pub async fn create_user(&self, user: &str, password: &str, privileges: Vec<Document>) {
        let connection = &self.server.connection;
        let created = authentication::create_user(connection, user, password, privileges).await;
        created.unwrap_or_else(|failure| panic!("shylock-tests: cannot create {user}: {failure}"));
    }

    fn or_panic(version: Version, kind: Kind, source: Source, because: &str, server: Result<Arc<Server>>) -> Self {
        let server = server.unwrap_or_else(|failure| {
            panic!(
                "shylock-tests: no {kind} of MongoDB {version}: {failure}\n\
                 tried: {source}, as {because}\n\
                 instead: a server of yours with {GIVEN}=mongodb://HOST/, \
                 or no containers with {WITHOUT_DOCKER}=1"
            )
        });
        Self { server }
    }
}

impl fmt::Debug for Mongo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mongo({})", self.hosts()) // not the password
    }
}
