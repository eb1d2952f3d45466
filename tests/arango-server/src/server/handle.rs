//! The handle on a running server.

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::{runtime::Runtime, time};

use crate::{
    clock::Clock,
    faults::{Fault, FaultHandle},
    store::TtlPass,
};

use super::{Builder, Endpoint, Shared, listener};

/// A running server. Everything of it ends when this is dropped.
pub struct ArangoServer {
    runtime: Option<Runtime>,
    pub(super) shared: Arc<Shared>,
    pub(super) endpoints: Vec<Arc<Endpoint>>,
}

/// How a server is restarted. The default: at once, and nothing committed is lost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Restart {
    /// How long nobody listens.
    pub closed_for: Duration,
    /// The commits of how long a time are lost, unless one of them or a later one was written
    /// with `waitForSync`.
    pub lost: Duration,
}

impl ArangoServer {
    /// A single server of version 3.12 without authentication, unless told otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new(runtime: Runtime, shared: Arc<Shared>, endpoints: Vec<Arc<Endpoint>>) -> Self {
        let server = Self { runtime: Some(runtime), shared, endpoints };
        server.start_tasks();
        server
    }

    /// The URL of the first endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        self.endpoint(0)
    }

    /// The URL of the endpoint with that number.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn endpoint(&self, number: usize) -> String {
        format!("http://{}", self.endpoints[number].address)
    }

    /// The URLs of all endpoints.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        (0..self.endpoints.len()).map(|number| self.endpoint(number)).collect()
    }

    /// The clock of the endpoint with that number.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn clock(&self, number: usize) -> &Clock {
        &self.endpoints[number].clock
    }

    /// The clock of the TTL thread.
    #[must_use]
    pub fn ttl_clock(&self) -> &Clock {
        &self.shared.store.ttl_clock
    }

    /// Steps all clocks.
    pub fn step_clocks(&self, milliseconds: i64) {
        self.endpoints.iter().for_each(|endpoint| endpoint.clock.step(milliseconds));
        self.ttl_clock().step(milliseconds);
    }

    /// Scripts a fault.
    pub fn fault(&self, fault: Fault) -> FaultHandle {
        self.shared.faults.add(fault)
    }

    /// Takes back all faults, and lets go on what they hold.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Looks for expired documents now; they go with [`TtlPass::remove`].
    pub fn ttl_look(&self) -> TtlPass {
        TtlPass::look(&self.shared.store)
    }

    /// Makes all logins invalid; a new one helps.
    pub fn expire_sessions(&self) {
        self.shared.sessions.expire();
    }

    /// Answers everything with 503, or no longer.
    pub fn set_maintenance(&self, on: bool) {
        self.shared.set_maintenance(on);
    }

    /// The `server` header from now on.
    pub fn set_server_header(&self, header: Option<&str>) {
        self.shared.set_server_header(header);
    }

    /// Ends all connections, queries and cursors as a crash does, and listens again.
    ///
    /// # Errors
    ///
    /// Where another has taken the port meanwhile.
    pub async fn restart(&self, restart: Restart) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let endpoints = self.endpoints.clone();
        let restarting = async move {
            shared.tasks.end().await;
            shared.cursors.clear();
            shared.transactions.clear();
            shared.store.crash(restart.lost);
            time::sleep(restart.closed_for).await;
            for endpoint in endpoints {
                let listener = listener::bind(endpoint.address)?;
                shared.tasks.spawn(listener::accept(endpoint, listener));
            }
            Ok(())
        };
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let result = runtime.spawn(restarting).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        self.start_tasks();
        result
    }

    /// What happens without a request.
    fn start_tasks(&self) {
        let Some(runtime) = &self.runtime else { return };
        let _context = runtime.enter();
        let (shared, pause) = (Arc::downgrade(&self.shared), self.shared.settings.stream_idle / 4);
        self.shared.tasks.spawn(async move {
            loop {
                time::sleep(pause).await;
                let Some(shared) = shared.upgrade() else { return };
                shared.transactions.expire();
            }
        });
        let Some(interval) = self.shared.settings.ttl_interval else { return };
        let store = Arc::clone(&self.shared.store);
        self.shared.tasks.spawn(async move {
            loop {
                time::sleep(interval).await;
                TtlPass::look(&store).remove().await;
            }
        });
    }
}

impl Drop for ArangoServer {
    fn drop(&mut self) {
        self.shared.faults.clear();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for ArangoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArangoServer").field("endpoints", &self.endpoints()).finish_non_exhaustive()
    }
}
