//! The decisions of the protocol as pure values: for the model that explores them all (package `shylock-proof`), and for
//! stores of this workspace that decide in Rust, as `shylock-sqlite` does.
//!
//! This is no public API: it changes with the engine, in any release.

pub use crate::{
    engine::{
        belief::Belief,
        ledger::{Finding, Ledger},
        renew::{Step, Terms, Trying, View},
    },
    record::{Key, Record, Take, Wish},
};
