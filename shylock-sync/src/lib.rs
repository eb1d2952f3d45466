#![doc = include_str!("../README.md")]

mod call;
#[cfg(feature = "conformance")]
pub mod conformance;
mod guard;
mod lock;
mod loss;
mod manager;
mod runtime;
mod shutdown;

pub use shylock_core::{
    AcquireRequest, AsyncLock, AsyncLockGuard, Attempt, Backend, BackendError, DEFAULT_TTL, Error, ErrorSource,
    Failure, FencingToken, Grant, HandOff, HolderId, HolderInfo, InvalidName, LeaseKey, ListQuery, LockInfo, LockName,
    LockTicket, Loss, LossReason, MAX_TTL, MIN_TTL, MemoryBackend, ReleaseOutcome, RenewOutcome, Renewal, Result,
    Watch,
};

pub use crate::{
    guard::LockGuard,
    lock::Lock,
    manager::{LockManager, LockManagerBuilder, configure},
    runtime::block_on,
    shutdown::shutdown,
};
