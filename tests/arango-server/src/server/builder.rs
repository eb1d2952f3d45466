//! What a server shall be like.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crate::{
    access::{Rights, User},
    clock::Clock,
    settings::{CacheMode, DateNow, Generation, Guards, Settings},
};

use super::{ArangoServer, Endpoint, Shared, listener};

/// Settings of a server that does not run yet.
#[must_use = "a server runs once it is started"]
#[derive(Debug, Clone, Default)]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// The generation of the interface; 3.12 by default.
    pub fn generation(mut self, generation: Generation) -> Self {
        self.settings.generation = generation;
        self
    }

    /// A cluster: one coordinator for each offset of a clock, in milliseconds.
    pub fn coordinators(mut self, clock_offsets: &[i64]) -> Self {
        self.settings.cluster = true;
        self.settings.clock_offsets = clock_offsets.to_vec();
        self
    }

    /// When `DATE_NOW()` is read; once per query by default.
    pub fn date_now(mut self, date_now: DateNow) -> Self {
        self.settings.date_now = date_now;
        self
    }

    /// What protects against lost updates; everything by default.
    pub fn guards(mut self, guards: Guards) -> Self {
        self.settings.guards = guards;
        self
    }

    /// Whether results of queries are kept; no by default.
    pub fn results_cache(mut self, mode: CacheMode) -> Self {
        self.settings.results_cache = mode;
        self
    }

    /// Removes expired documents at this interval; by default only [`ArangoServer::ttl_look`] does.
    pub fn ttl_interval(mut self, interval: Duration) -> Self {
        self.settings.ttl_interval = Some(interval);
        self
    }

    /// How long a removal of expired documents keeps their locks.
    pub fn ttl_hold(mut self, hold: Duration) -> Self {
        self.settings.ttl_hold = hold;
        self
    }

    /// How far off the clock of the TTL thread is, in milliseconds.
    pub fn ttl_clock_offset(mut self, milliseconds: i64) -> Self {
        self.settings.ttl_clock_offset = milliseconds;
        self
    }

    /// How long it takes until coordinators know what another one has created.
    pub fn visibility_delay(mut self, delay: Duration) -> Self {
        self.settings.visibility_delay = delay;
        self
    }

    /// How long queries wait for a collection that another has for itself.
    pub fn exclusive_wait(mut self, wait: Duration) -> Self {
        self.settings.exclusive_wait = wait;
        self
    }

    /// Answers 18 instead of 1200 where the lock of a key is not free in time: RocksDB has two words for that.
    pub fn key_locks_time_out_as_18(mut self) -> Self {
        self.settings.key_lock_error = 18;
        self
    }

    /// How long a stream transaction may be idle before it is aborted.
    pub fn stream_idle(mut self, longest: Duration) -> Self {
        self.settings.stream_idle = longest;
        self
    }

    /// How long a request waits for another one of the same stream transaction.
    pub fn stream_wait(mut self, longest: Duration) -> Self {
        self.settings.stream_wait = longest;
        self
    }

    /// Writes every number in results as a double.
    pub fn all_doubles(mut self) -> Self {
        self.settings.all_doubles = true;
        self
    }

    /// Hides version and license from all but administrators.
    pub fn hardened(mut self) -> Self {
        self.settings.hardened = true;
        self
    }

    /// The `server` header, none to leave it out.
    pub fn server_header(mut self, header: Option<&str>) -> Self {
        self.settings.server_header = header.map(str::to_owned);
        self
    }

    /// Adds a user. Without users, authentication is off.
    pub fn user(mut self, name: &str, password: &str, rights: Rights) -> Self {
        self.settings.users.insert(name.to_owned(), User { password: password.to_owned(), rights });
        self
    }

    /// How long a login is valid, in whole seconds of the endpoint's clock.
    pub fn session(mut self, lifetime: Duration) -> Self {
        self.settings.session = lifetime;
        self
    }

    /// How long a cursor may lie unused.
    pub fn cursor_ttl(mut self, lifetime: Duration) -> Self {
        self.settings.cursor_ttl = lifetime;
        self
    }

    /// The port of the first endpoint; any free one by default.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Starts the server on threads of its own, so that it answers whatever its user's threads do.
    ///
    /// # Errors
    ///
    /// Where there is no port or thread to be had.
    pub fn start(self) -> io::Result<ArangoServer> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("arango-server")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared::new(self.settings));
        let mut endpoints = Vec::new();
        for (number, offset) in shared.settings.clock_offsets.iter().enumerate() {
            let _context = runtime.enter();
            let port = if number == 0 { shared.settings.port } else { 0 };
            let listener = listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            let endpoint = Arc::new(Endpoint {
                number,
                address: listener.local_addr()?,
                clock: Arc::new(Clock::new(*offset)),
                shared: Arc::clone(&shared),
            });
            shared.tasks.spawn(listener::accept(Arc::clone(&endpoint), listener));
            endpoints.push(endpoint);
        }
        Ok(ArangoServer::new(runtime, shared, endpoints))
    }
}
