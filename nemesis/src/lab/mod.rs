//! The hosts: network namespaces on one bridge, inside a namespace of the run's own, so that nothing of it is left
//! when the run has ended, however it ended.

pub mod inside;
pub mod net;
pub mod tools;

pub use net::{Host, NODES, Net, WORKERS, Way};
pub use shylock_tests::SkewedClock;
