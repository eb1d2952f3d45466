#![doc = include_str!("../README.md")]

mod attempts;
mod backend;
mod builder;
mod codes;
mod command;
mod condition;
mod error;
mod fence;
mod fenced;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod literal;
mod mongo_error;
mod plain;
mod prefix;
mod query;
mod record;
mod relatives;
mod release;
mod runtime;
mod setup;
mod uri;
mod uri_names;
mod uri_options;
mod watch;

pub use mongodb;
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
    backend::MongoBackend,
    builder::{IndexMode, MongoBuilder},
    fence::{Fence, FenceError},
    fenced::{FENCE_FIELD, fence_filter, fenced},
    mongo_error::MongoError,
};
