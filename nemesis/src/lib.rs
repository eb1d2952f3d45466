//! The worst day, on a real replica set: three `mongod` and the workers that use locks on them, each host in a network
//! namespace of its own, and somebody who kills, pauses, cuts off and skews them. What they saw is one history, which
//! the checkers of `shylock-proof` judge.
//!
//! - [`lab`]: the hosts and the wires between them; needs Linux, root or user namespaces, and a few tools.
//! - [`set`]: the replica set on it.
//! - [`plan`]: which faults, when, by seed; pure.
//! - [`inflict`]: carries them out.
//! - [`proxy`]: stands between a host and the set, and loses replies; or plays a broken library ([`control`]).
//! - [`resource`]: what the locks guard.
//! - [`worker`]: a process that uses locks, and writes down what it sees.
//! - [`account`]: the store's own account of its grants, from its oplog.
//! - [`run`]: all of it.

pub mod account;
pub mod arguments;
pub mod clock;
pub mod commands;
pub mod control;
pub mod crew;
pub mod dice;
pub mod ghosts;
pub mod inflict;
pub mod journal;
pub mod lab;
pub mod plan;
pub mod proxy;
pub mod resource;
pub mod run;
pub mod set;
pub mod takeover;
pub mod verdict;
pub mod worker;

/// What failed, for the reader of a run that could not be made. A fault of the locks is no such failure, but a
/// violation in the report.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
