//! [`LockManagerBuilder`]: the options of a manager.

use std::{sync::Arc, time::Duration};

#[cfg(doc)]
use crate::{AsyncLock, Error, LockName};
use crate::{
    Backend, HolderInfo, LockManager, Result,
    engine::{Engine, Runtime},
    options::ManagerOptions,
};

/// Options of a [`LockManager`]. They are checked by [`build`](Self::build).
#[derive(Debug)]
#[must_use = "it does nothing until `build` is called"]
pub struct LockManagerBuilder {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) options: ManagerOptions,
    pub(crate) own_thread: bool,
}

impl LockManagerBuilder {
    /// The lease's length of locks that name none: 1 s to 24 h, default 30 s.
    ///
    /// A crashed holder blocks others for so long. A lease shorter than a fail-over of the database (15 s and more)
    /// is lost in one.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = ttl;
        self
    }

    /// A prefix for all names, so that programs can share a store: 1 to 64 bytes, without slash and control characters.
    /// In the store the names are `namespace/name`, which must not be longer than [`LockName::MAX_BYTES`]. Default:
    /// none.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.namespace = Some(namespace.into());
        self
    }

    /// What others see as this holder's host, at most 256 bytes. Default: the name of the machine.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.options.label = Some(label.into());
        self
    }

    /// How long before the end of its lease a holder is told that it is lost: less than half the manager's ttl.
    /// Default: a tenth of the lock's ttl, at least 50 ms, at most 2 s. A lock with a shorter ttl gets half of that one
    /// at most.
    pub const fn safety_margin(mut self, margin: Duration) -> Self {
        self.options.margin = Some(margin);
        self
    }

    /// The pauses between the attempts of a process that waits for a lock and is not told when it comes free: the
    /// first, which is not zero, and the longest, at most an hour. Each is shortened at random by up to a half.
    /// Default: 25 ms, doubling to 1 s. Who is told, by its store or because the lock is held in its own process, asks
    /// after 2.5 to 5 s all the same, or after the longest of these if that is more.
    pub const fn poll_limits(mut self, first: Duration, longest: Duration) -> Self {
        (self.options.poll_first, self.options.poll_max) = (first, longest);
        self
    }

    /// How long a call that does not wait for a lock may take, such as `try_acquire`, `release` and `inspect`: not
    /// zero, at most an hour, default 5 s. A request of `try_acquire` or `release` gets this time or a sixth of the ttl,
    /// whichever is shorter, and is then repeated; the other calls repeat none.
    ///
    /// The time counts from the call. Where more requests of this process wait to be sent than the store
    /// [serves at a time](Backend::concurrency), it counts from when the request is sent; if the store answers nothing
    /// at all for this time, the call ends all the same.
    pub const fn call_timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self
    }

    /// How long [`AsyncLock::acquire`] puts up with a store that does not answer properly: any time, default 60 s; with
    /// zero, the first failure is its outcome. Who waits behind others of this process counts it from its turn.
    pub const fn outage_limit(mut self, limit: Duration) -> Self {
        self.options.outage_limit = limit;
        self
    }

    /// Work on a thread of its own instead of the current tokio runtime. Leases are then renewed though all threads
    /// of that runtime are busy, and though it ends – **if** the store's client does not depend on it. A MongoDB
    /// client does: it lives and dies with the runtime on which it was connected.
    pub const fn own_thread(mut self) -> Self {
        self.own_thread = true;
        self
    }

    /// Makes the manager.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for the first option that is outside of its bounds.
    pub fn build(self) -> Result<LockManager> {
        self.options.check()?;
        Ok(self.build_unchecked())
    }

    pub(crate) fn of(backend: Arc<dyn Backend>) -> Self {
        Self { backend, options: ManagerOptions::default(), own_thread: false }
    }

    pub(crate) fn build_unchecked(self) -> LockManager {
        let runtime = if self.own_thread { Runtime::own() } else { Runtime::current_or_own() };
        let host = self.options.label.clone().or_else(host_name);
        let info = HolderInfo { host, pid: Some(std::process::id()), note: None };
        LockManager::of(&Engine::new(self.backend, self.options, info, runtime))
    }
}

#[cfg(unix)]
fn host_name() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
