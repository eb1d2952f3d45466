//! The checks that are particular to ArangoDB.

use super::check::{Check, State};

/// The collection was checked when the connection was made, which fails where it is not fit for locks.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "write concern",
            State::Unknown,
            "each write of a lock asks the server to wait for the disk; whether it does cannot be seen from here",
        ),
        Check::new(
            "clocks",
            State::Unknown,
            "the clocks of a cluster's coordinators cannot be compared from here; locks allow for 250 ms",
        )
        .hint("run NTP on the coordinators"),
        Check::new(
            "version",
            State::Unknown,
            "written from ArangoDB's documents and source, and never run against a real server by its authors",
        ),
    ]
}
