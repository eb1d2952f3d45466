//! ArangoDB servers: a given one, a container of the official image, or our own test server.

mod container;
mod cut;
mod fixture;
mod server;
mod source;

pub use self::{fixture::ArangoFixture, server::Arango};
