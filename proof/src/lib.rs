//! How Shylock is proven: what happened in a run, what must be true of it, and the runs themselves.
//!
//! - [`history`]: what the processes of a run saw and did, and the faults they had.
//! - [`checkers`]: pure functions that find what must not be in a history.
//! - [`model`]: the protocol, explored exhaustively.
//! - [`simulation`]: the real engine over a simulated store, by seed.
//!
//! The runs on real servers are in the package `nemesis`.

pub mod checkers;
pub mod history;
pub mod model;
pub mod simulation;
