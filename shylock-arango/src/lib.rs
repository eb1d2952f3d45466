#![doc = include_str!("../README.md")]

mod acquisition;
mod backend;
mod batch;
mod builder;
mod credentials;
mod database;
mod errno;
mod error;
mod fence;
mod fitness;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod indexes;
mod key;
mod listing;
mod number;
mod patience;
mod query;
mod record;
mod reply;
mod retry;
mod runtime;
mod seen;
mod session;
mod setup;
mod text;
mod uri;

pub use arangors;
pub use shylock_core::{
    AcquireRequest, AsyncLock, AsyncLockGuard, Attempt, Backend, BackendError, DEFAULT_TTL, Error, ErrorSource,
    Failure, FencingToken, Grant, HandOff, HolderId, HolderInfo, InvalidName, LeaseKey, ListQuery, LockInfo,
    LockManager, LockManagerBuilder, LockName, LockTicket, Loss, LossReason, MAX_TTL, MIN_TTL, MemoryBackend,
    ReleaseOutcome, RenewOutcome, Renewal, Result, Watch, configure,
};

/// The same locks for synchronous programs: all of [`shylock_sync`] (feature `sync`).
#[cfg(feature = "sync")]
pub use shylock_sync as sync;

pub use crate::{
    backend::ArangoBackend,
    builder::{ArangoBuilder, IndexMode, Sharding},
    credentials::Credentials,
    error::RequestError,
    fence::Fence,
};
