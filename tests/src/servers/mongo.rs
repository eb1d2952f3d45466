//! What tests hold in their hands.

use std::{fmt, sync::Arc};

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
    /// The standalone server of this process.
    pub async fn standalone() -> Self {
        Self::shared(Kind::Standalone).await
    }

    /// The replica set of this process with that many members.
    pub async fn replica_set(members: usize) -> Self {
        Self::shared(Kind::ReplicaSet(members)).await
    }

    /// The standalone server of this process that asks for passwords.
    pub async fn with_auth() -> Self {
        Self::shared(Kind::WithAuth).await
    }

    /// A deployment that is not shared, and is gone when its last clone is dropped.
    pub async fn start(kind: Kind, source: Source) -> Self {
        crate::trace();
        let server = runtime::run(server::get(kind, source)).await;
        Self::or_panic(kind, source, "asked for", server.map(Arc::new))
    }

    /// A standalone of the test's own that is started with these flags; `options` are those of its connection string.
    /// Where there is a given server, it is a child process.
    pub async fn start_with(flags: &[Flag], options: &str) -> Self {
        crate::trace();
        let source = match Source::chosen().await {
            Source::Given => Source::ChildProcess,
            chosen => chosen,
        };
        let (flags, options) = (flags.to_vec(), options.to_owned());
        let server = runtime::run(async move { server::standalone_with(source, &flags, &options).await }).await;
        Self::or_panic(Kind::Standalone, source, "asked for", server.map(Arc::new))
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

    async fn shared(kind: Kind) -> Self {
        crate::trace();
        let Choice { source, because } = Choice::made().await;
        Self::or_panic(kind, source, &because, shared::server(kind, source).await)
    }

    fn or_panic(kind: Kind, source: Source, because: &str, server: Result<Arc<Server>>) -> Self {
        let server = server.unwrap_or_else(|failure| {
            panic!(
                "shylock-tests: no {kind}: {failure}\n\
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
