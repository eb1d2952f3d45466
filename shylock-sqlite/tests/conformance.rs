//! The conformance suite, async and through blocking calls.

mod support;

use shylock_core::conformance::conformance_tests;
use shylock_sync::conformance::Blocking;
use support::SqliteFixture;

conformance_tests!(SqliteFixture::default());

mod blocking {
    use super::*;

    conformance_tests!(Blocking::new(SqliteFixture::default()));
}
