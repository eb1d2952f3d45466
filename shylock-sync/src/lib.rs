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
    AsyncLock, AsyncLockGuard, Backend, DEFAULT_TTL, Error, FencingToken, HolderId, HolderInfo, InvalidName, LeaseKey,
    LockInfo, LockName, LockTicket, Loss, LossReason, MAX_TTL, MIN_TTL, MemoryBackend, Result,
};

pub use crate::{
    guard::LockGuard,
    lock::Lock,
    manager::{LockManager, LockManagerBuilder, configure},
    runtime::block_on,
    shutdown::shutdown,
};
