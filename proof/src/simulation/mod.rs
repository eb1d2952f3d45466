//! The real engine over a simulated store: 2 to 4 processes with their managers on one runtime, on paused time, and
//! everything that happens decided by one seed.
//!
//! What is simulated, and how:
//! - **The store** is a replica set with three clocks (`server`, `operations`). A request is delayed, lost, carried
//!   out twice or late, refused, or never answered (`fate`, `connection`).
//! - **A process that is killed** loses its users and its connection; of its requests that are on their way each arrives,
//!   or not. Its engine goes on, and nobody hears it.
//! - **A process that is paused** neither sends nor receives, and its users stand still. Its engine's timers go on, since
//!   all share one clock: what it would do when it wakes, it does before, and unseen.
//! - **The pace of a client's clock** is that of the server's, seen from the other side.
//!
//! Nothing may be left to chance: the same seed is the same history, byte by byte.

mod audit;
mod belief;
mod bug;
mod campaign;
mod chance;
mod connection;
mod fate;
mod gate;
mod judge;
mod operations;
mod plan;
mod process;
mod record;
mod resource;
mod run;
mod server;
mod tally;
mod trouble;
mod user;
mod wish;
mod world;

pub use self::{
    bug::Bug,
    campaign::{Campaign, Failure},
    plan::{Kind, Plan},
    run::{Outcome, run},
    tally::Tally,
};
