//! What the tests of Shylock share: real MongoDB servers, ArangoDB or what stands in for it, and the conformance
//! suite's hands on them.
//!
//! ```no_run
//! # async fn example() {
//! let mongo = shylock_tests::Mongo::replica_set(3).await;
//! let client = mongo.client().await;
//! # }
//! ```

mod arango;
mod fixture;
mod library;
mod life;
mod percentile;
mod secrets;
mod servers;
mod skewed_clock;
mod stopwatch;
#[cfg(test)]
mod stopwatch_tests;
mod trace;
mod wire;

pub use crate::{
    arango::{Arango, ArangoFixture},
    fixture::MongoFixture,
    library::compile,
    life::live_a_whole_life,
    percentile::percentile,
    secrets::{CANARY, assert_has_no_secret, assert_silent, search_again, secret_in},
    servers::{Flag, Kind, Mongo, Mongod, Source, Version, left_by, reap, reap_by_this_program},
    skewed_clock::SkewedClock,
    stopwatch::{Stopwatch, watch_naps},
    trace::{TRACE, trace, trace_with},
    wire::{Fate, Impostor, Manners, Message, Relative},
};

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
