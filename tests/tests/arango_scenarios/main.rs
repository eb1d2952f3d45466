//! What happens on an ArangoDB beyond the conformance suite, and the suite on the kinds of servers that there are; all
//! of it on our own test server.

mod addresses;
mod answers;
mod caches;
mod clocks;
mod driver;
mod failover;
mod fence;
mod fitness;
mod foreign;
mod generations;
mod lab;
mod listing;
mod names;
mod processes;
mod rights;
mod secrets;
mod sessions;
mod setup;
mod sharding;
mod vanishing;
