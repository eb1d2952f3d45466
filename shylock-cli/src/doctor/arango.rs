//! What is particular to ArangoDB.

use super::check::{Check, State};

/// The rest was looked at when the connection was made: it fails where a collection is not fit for locks.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::good("write concern", "each write of a lock waits until it is on disk"),
        Check::new(
            "clocks",
            State::Unknown,
            "the clocks of a cluster's coordinators cannot be told apart from here; locks allow for 250 ms",
        )
        .hint("run NTP on the coordinators"),
        Check::new(
            "version",
            State::Unknown,
            "written from ArangoDB's documents and source, and never run against a real server by its authors",
        ),
    ]
}
