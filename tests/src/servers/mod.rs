//! Real MongoDB servers.
//!
//! The servers of [`Mongo::standalone`], [`Mongo::replica_set`] and [`Mongo::with_auth`] are shared by all tests of a
//! process. Where they come from is decided by [`Source::chosen`] and printed on stderr; everything that was started
//! is gone when the test process is, however it ended.

mod announced;
mod authentication;
mod cache;
mod child;
mod connection_string;
mod container;
mod docker;
mod failure;
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
mod unique;
mod wheel;

pub use self::{kind::Kind, leftovers::left_by, mongo::Mongo, reaper::reap, source::Source};
