//! The ArangoDB backend and the queries that it sends, under scripted faults.
//!
//! Always on our own test server, wherever a real one is to be had: no real one fails at a point of our choice, nor
//! tells of every version that it ever committed. So this shows what the protocol makes of faults; that ArangoDB has
//! them, and behaves as the test server does otherwise, is nothing that it can show.
//!
//! `cargo test -p shylock-tests --test arango_faults -- --nocapture` prints what each fault came to.

mod audit;
mod audit_tests;
mod broken;
mod crash;
mod dropped;
mod engine;
mod events;
mod faults;
mod guards;
mod lab;
mod late;
mod operations;
mod queries;
mod script;
mod skew;
mod table;
