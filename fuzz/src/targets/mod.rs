//! The targets. Each has its own idea of what is right, written without a look at the code under test.

pub mod arango_numbers;
pub mod arango_records;
pub mod arango_replies;
pub mod arango_uris;
pub mod mongo_records;
pub mod mongo_replies;
pub mod mongo_uris;
pub mod names;
pub mod options;
pub mod tickets;

mod bson;
mod json;
mod secret;
