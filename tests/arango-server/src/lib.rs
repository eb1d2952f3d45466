#![doc = include_str!("../README.md")]

mod access;
mod api;
mod aql;
mod cache;
mod clock;
mod counters;
mod error;
mod eval;
mod execute;
mod faults;
mod http;
mod server;
mod settings;
mod store;
mod value;

pub use access::{Level, Rights};
pub use clock::Clock;
pub use counters::Counters;
pub use error::Failure;
pub use faults::{Fault, FaultHandle, Point};
pub use server::{ArangoServer, Builder, Restart};
pub use settings::{CacheMode, DateNow, Generation, Guards};
pub use store::{AuditEntry, Origin, TtlOutcome, TtlPass};
