//! The replica set on the hosts.

pub mod admin;
pub mod node;

pub use admin::Set;
pub use node::Node;
