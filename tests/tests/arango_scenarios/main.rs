//! What happens on an ArangoDB beyond the conformance suite, and the suite on the kinds of servers that there are; all
//! of it on our own test server.

mod clocks;
mod generations;
mod lab;
mod secrets;
