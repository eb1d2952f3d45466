//! What locks cost, each number beside its limit, measured in the same run on the same machine.
//!
//! It is a library so that its decisions can be tested; [`run`] is the program that `cargo bench` starts.

mod arguments;
mod context;
mod counters;
mod machine;
mod monotonic;
mod outcome;
mod program;
mod python;
mod quantity;
mod raw;
mod resident;
mod row;
mod rows;
mod scale;
mod statistics;
mod store;
mod table;
mod turns;
mod waiters;
mod worker;
mod wrappers;

pub use program::run;
