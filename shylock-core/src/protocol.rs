//! The engine's decisions as pure values, for the model that explores them all (package `shylock-proof`). Those of a store
//! are in [`record`](crate::record).
//!
//! This is no public API: it changes with the engine, in any release.

pub use crate::engine::{
    belief::Belief,
    ledger::{Finding, Ledger},
    renew::{Step, Terms, Trying, View},
};
