//! A test server of a test's own, and a backend on it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use arango_server::{ArangoServer, AuditEntry, Builder, Level, Rights};
use shylock_arango::{ArangoBackend, ArangoBuilder, Credentials};
use shylock_core::{AcquireRequest, HolderId, HolderInfo, LockName};

pub(crate) const DATABASE: &str = "locks";
pub(crate) const LOCKS: &str = "shylock_locks";

/// Longer than any of these tests.
pub(crate) const TTL: Duration = Duration::from_secs(30);

pub(crate) struct Lab {
    pub(crate) server: ArangoServer,
    pub(crate) backend: ArangoBackend,
    /// The backend that has made the collection, and so has patience with servers that do not know of it yet.
    pub(crate) maker: ArangoBackend,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_with(ArangoServer::builder()).await
    }

    pub(crate) async fn start_with(builder: Builder) -> Self {
        shylock_tests::trace();
        let server =
            builder.user("root", shylock_tests::CANARY, Rights::new(Level::ReadWrite)).start().expect("a server");
        let maker = connect(&server, 0, ArangoBackend::builder()).await;
        let backend = connect(&server, 0, ArangoBackend::builder()).await;
        Self { server, backend, maker }
    }

    pub(crate) fn history(&self, name: &LockName) -> Vec<AuditEntry> {
        self.server.history(DATABASE, LOCKS, name.as_str())
    }

    /// Within a millisecond a repeated request is the same to the last bit.
    pub(crate) async fn next_millisecond(&self) {
        let now = self.server.clock(0).now();
        while self.server.clock(0).now() == now {
            tokio::task::yield_now().await;
        }
    }
}

/// A backend on the coordinator of that number. It logs in with a password.
pub(crate) async fn connect(server: &ArangoServer, coordinator: usize, builder: ArangoBuilder) -> ArangoBackend {
    let credentials = Credentials::password("root", shylock_tests::CANARY);
    let connecting = builder.create_database(true).connect(server.endpoint(coordinator), DATABASE, credentials);
    connecting.await.expect("connected")
}

/// A name that is its own key, and that nobody else has.
pub(crate) fn fresh_name() -> LockName {
    static NAMES: AtomicU64 = AtomicU64::new(0);
    LockName::new(format!("lock-{}", NAMES.fetch_add(1, Ordering::Relaxed))).expect("a valid name")
}

/// A wish under a holder id of its own.
pub(crate) fn wish(name: &LockName, ttl: Duration) -> AcquireRequest {
    let holder = HolderId::random().expect("random numbers");
    AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() }
}

/// As the record has it.
pub(crate) fn owner(holder: HolderId) -> String {
    format!("{:032x}", u128::from_be_bytes(*holder.as_bytes()))
}
