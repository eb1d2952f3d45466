//! Real MongoDB servers.
//!
//! The servers of [`Mongo::standalone`], [`Mongo::replica_set`], [`Mongo::with_auth`] and [`Mongo::of`] are shared by all
//! tests of a process. Where they come from is decided by [`Source::chosen`], and printed on stderr together with their
//! [`Version`]; everything that was started is gone when the test process is, however it ended.

mod announced;
mod authentication;
mod cache;
mod child;
mod connection_string;
mod container;
pub(crate) mod docker;
mod failure;
mod flag;
mod flags;
pub(crate) mod image;
mod kind;
mod leftovers;
mod libraries;
mod mongo;
mod mongod;
mod node;
mod once;
mod package;
pub(crate) mod polling;
mod processes;
mod reaper;
mod removal;
mod replica_set;
pub(crate) mod report;
pub(crate) mod runtime;
mod server;
mod shared;
mod source;
pub(crate) mod unique;
mod version;
mod wheel;

pub(crate) use self::{
    announced::Announced,
    failure::{Result, While},
    node::free_port,
    source::{WITHOUT_DOCKER, is_set},
};
pub use self::{
    announced::reap_by_this_program, flag::Flag, kind::Kind, leftovers::left_by, mongo::Mongo, mongod::Mongod,
    reaper::reap, source::Source, version::Version,
};
