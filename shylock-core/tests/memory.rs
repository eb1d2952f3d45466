//! `MemoryBackend` keeps every promise, on tokio's paused clock and on the real one.

use shylock_core::conformance::{MemoryFixture, conformance_tests};

conformance_tests!(paused, MemoryFixture::default());

mod real_time {
    use super::*;

    conformance_tests!(MemoryFixture::default());
}
