#![doc = include_str!("../README.md")]
//!
//! [`is_held`]: AsyncLockGuard::is_held
//! [`lost`]: AsyncLockGuard::lost
//! [`with`]: AsyncLock::with

mod backend;
mod backend_error;
mod builder;
mod chance;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod default;
mod engine;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod lease;
mod lock;
mod manager;
mod memory;
mod name;
#[cfg(doc)]
#[doc = include_str!("../OBSERVABILITY.md")]
pub mod observability {}
mod observe;
mod options;
mod process;
#[cfg(feature = "protocol")]
#[doc(hidden)]
pub mod protocol;
pub mod record;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
mod ticket;
mod weak;

pub use crate::{
    backend::{
        AcquireRequest, Attempt, Backend, Grant, HandOff, ListQuery, ReleaseOutcome, RenewOutcome, Renewal, Watch,
    },
    backend_error::{BackendError, ErrorSource, Failure},
    builder::LockManagerBuilder,
    default::configure,
    error::{Error, Loss, LossReason, Result},
    guard::AsyncLockGuard,
    lease::{FencingToken, HolderId, HolderInfo, LeaseKey, LockInfo},
    lock::AsyncLock,
    manager::LockManager,
    memory::MemoryBackend,
    name::{InvalidName, LockName},
    options::{DEFAULT_TTL, MAX_TTL, MIN_TTL},
    process::PerProcess,
    ticket::LockTicket,
    weak::WeakLockManager,
};
