//! Fuzzing Shylock: whatever a server, a store or a user says, nothing panics, no nonsense is taken for a grant, and
//! no secret is told.
//!
//! A target is a function of bytes that panics when a property is broken. `cargo test -p shylock-fuzz` runs each on
//! its corpus and on inputs of our own [`harness`], by seed; the package in `libfuzzer/`, which is no member of the
//! workspace, runs them under libFuzzer:
//!
//! ```sh
//! cd fuzz/libfuzzer && SHYLOCK_TARGET=mongo_records cargo +nightly fuzz run --fuzz-dir . --sanitizer none any
//! ```

pub mod harness;
mod input;
pub mod targets;

/// What is fuzzed.
pub type Target = fn(&[u8]);

/// Every target, by its name, which is also its corpus's.
pub const TARGETS: [(&str, Target); 10] = [
    ("names", targets::names::run),
    ("options", targets::options::run),
    ("tickets", targets::tickets::run),
    ("mongo_records", targets::mongo_records::run),
    ("mongo_replies", targets::mongo_replies::run),
    ("mongo_uris", targets::mongo_uris::run),
    ("arango_records", targets::arango_records::run),
    ("arango_replies", targets::arango_replies::run),
    ("arango_numbers", targets::arango_numbers::run),
    ("arango_uris", targets::arango_uris::run),
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find_map(|(known, target)| (known == name).then_some(target))
}
