//! Real MongoDB servers for the tests of Shylock.
//!
//! ```no_run
//! # async fn example() {
//! let mongo = shylock_tests::Mongo::replica_set(3).await;
//! let client = mongo.client().await;
//! # }
//! ```
//!
//! The servers of [`Mongo::standalone`], [`Mongo::replica_set`] and [`Mongo::with_auth`] are shared
//! by all tests of a process. Where they come from is decided by [`Source::chosen`] and printed on
//! stderr; everything that was started is gone when the test process is, however it ended.

mod announced;
mod authentication;
mod cache;
mod child;
mod connection_string;
mod container;
mod docker;
mod failure;
mod fixture;
mod flags;
mod image;
mod kind;
mod leftovers;
mod libraries;
mod mongo;
mod mongod;
mod node;
mod polling;
mod processes;
mod reaper;
mod removal;
mod replica_set;
mod report;
mod runtime;
mod server;
mod shared;
mod source;
mod trace;
mod unique;
mod wheel;

pub use fixture::MongoFixture;
pub use kind::Kind;
pub use leftovers::left_by;
pub use mongo::Mongo;
pub use reaper::reap;
pub use source::Source;
pub use trace::{TRACE, trace};
