//! A look-alike of an ArangoDB server, for tests of programs that talk to one.
//!
//! It parses and interprets a subset of AQL over versioned documents: a query has a snapshot,
//! locks the keys that it writes, fails where another has committed one of them since, and
//! commits all or nothing. It never recognises a query by its text. It is no evidence about
//! ArangoDB, only about programs that rely on the behaviour it was told to have.
//!
//! ```
//! use arango_server::{ArangoServer, Failure, Fault, Point};
//!
//! let server = ArangoServer::builder().coordinators(&[0, 250]).start()?;
//! server.create_database("locks")?;
//! let lost = server.fault(Fault::at(Point::Committed).on_query("UPSERT").closes());
//! let (first, second) = (server.endpoint(0), server.endpoint(1));
//! // … a program talks to both …
//! # drop((first, second, Failure::of(1200)));
//! assert_eq!(lost.hits(), 0);
//! assert!(server.audit().is_empty());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod access;
mod api;
mod aql;
mod clock;
mod counters;
mod error;
mod eval;
mod execute;
mod faults;
mod http;
mod server;
mod settings;
mod store;
mod value;

pub use access::{Level, Rights};
pub use clock::Clock;
pub use counters::Counters;
pub use error::Failure;
pub use faults::{Fault, FaultHandle, Point};
pub use server::{ArangoServer, Builder, Restart};
pub use settings::{DateNow, Generation, Guards};
pub use store::{AuditEntry, Origin, TtlOutcome, TtlPass};
