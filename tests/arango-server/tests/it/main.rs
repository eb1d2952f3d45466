//! The look-alike does what is known of the real server. Facts with a number are those of the
//! notes on ArangoDB that it was made from ("golden facts").

mod caches;
mod client;
mod cluster;
mod driver;
mod exclusion;
mod faults;
mod golden_bodies;
mod golden_conflicts;
mod golden_documents;
mod golden_ttl;
mod guards;
mod indexes;
mod language;
mod operation;
mod protocol;
mod streams;
mod texts;
