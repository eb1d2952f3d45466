//! The server: its parts, and the handle on it.

mod builder;
mod endpoint;
mod handle;
mod inspect;
mod listener;
mod shared;
mod tasks;

pub use builder::Builder;
pub(crate) use endpoint::Endpoint;
pub use handle::{ArangoServer, Restart};
pub(crate) use shared::Shared;
