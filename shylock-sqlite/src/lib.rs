#![doc = include_str!("../README.md")]

mod alarm;
mod backend;
mod builder;
mod clock;
mod companions;
mod error;
mod filesystem;
mod fork;
mod mounts;
mod notices;
mod patience;
mod place;
mod reach;
mod record;
mod rights;
mod session;
mod setup;
mod store;
mod worker;

pub use shylock_core::{
    AcquireRequest, AsyncLock, AsyncLockGuard, Attempt, Backend, BackendError, DEFAULT_TTL, Error, ErrorSource,
    Failure, FencingToken, Grant, HandOff, HolderId, HolderInfo, InvalidName, LeaseKey, ListQuery, LockInfo,
    LockManager, LockManagerBuilder, LockName, LockTicket, Loss, LossReason, MAX_TTL, MIN_TTL, MemoryBackend,
    ReleaseOutcome, RenewOutcome, Renewal, Result, Watch, configure,
};

/// The same locks for synchronous programs: all of [`shylock_sync`] (feature `sync`).
#[cfg(feature = "sync")]
pub use shylock_sync as sync;

pub use crate::{backend::SqliteBackend, builder::SqliteBuilder, error::SqliteError};
