//! Events that come alone: what goes on in the background, and what operators do.

use std::{fmt::Display, io, time::Duration};

use tracing::field;

use super::{Cause, hold, meters};
use crate::{BackendError, LockInfo, LockName, engine::Lease};

/// A lock was freed by an operator, whoever held it.
pub(crate) fn broken(lock: &LockName, info: &LockInfo) {
    let (holder, token) = (field::display(info.who()), info.token.get());
    tracing::info!(%lock, holder, token, "the lock is broken");
}

/// A lease was granted when nobody waited for it any more.
pub(crate) fn handed_out_to_nobody(lease: &Lease) {
    let (lock, token) = (&lease.key.name, lease.key.token.get());
    tracing::debug!(%lock, token, "a lease that nobody waits for any more is released");
}

/// Nobody knows what became of a request that was given up.
pub(crate) fn unknown(lock: &LockName) {
    tracing::warn!(%lock, "what became of a request could not be found out; a lease that it may have brought ends by itself");
}

/// Nobody else is told of a release that failed. `lock` as the caller knows it.
pub(crate) fn not_released(lock: impl Display, error: Cause<'_>) {
    tracing::warn!(%lock, error, "a lock could not be released; its lease ends by itself");
}

/// The runtime has ended with a release unsent.
pub(crate) fn unsent(lease: &Lease) {
    let (lock, ttl_seconds) = (&lease.key.name, lease.terms.ttl.as_secs_f64());
    tracing::warn!(%lock, ttl_seconds, "the runtime of the lock manager has ended before a lock was released; its lease ends by itself");
    meters::released(hold::Release::Unsent);
}

/// So many renewals brought no answer, or an error.
pub(crate) fn renewals_failed(leases: usize) {
    meters::renewal(hold::Renewal::Failed, u64::try_from(leases).unwrap_or(u64::MAX));
}

/// They are repeated.
pub(crate) fn renewals_go_on(leases: usize, error: &BackendError) {
    let error = error as Cause<'_>;
    tracing::warn!(leases, error, "leases could not be renewed; it is tried again until they are lost");
}

/// The store's stream of freed locks is open.
pub(crate) fn listens() {
    tracing::debug!("the store tells of freed locks");
}

/// The stream has ended after this time: `why`.
pub(crate) fn listened(lived: Duration, why: &dyn std::fmt::Debug) {
    tracing::debug!(lived_seconds = lived.as_secs_f64(), ?why, "the stream of freed locks has ended");
}

/// There is no stream, or none that lasts.
pub(crate) fn does_not_listen(error: Option<&BackendError>) {
    let error = error.map(|error| error as Cause<'_>);
    tracing::warn!(error, "the store does not tell of freed locks; waiting goes on by polling");
}

pub(crate) fn no_timers() {
    tracing::warn!("the tokio runtime has no timers; the lock manager works on a thread of its own");
}

pub(crate) fn no_thread(error: &io::Error) {
    let error = error as Cause<'_>;
    tracing::error!(error, "no thread could be started for the lock manager");
}
