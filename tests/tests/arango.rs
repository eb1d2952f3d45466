//! The conformance suite on ArangoDB, or on our own test server where no real one can be had.

use shylock_core::conformance::conformance_tests;
use shylock_sync::conformance::Blocking;
use shylock_tests::{Arango, ArangoFixture};

async fn fixture() -> ArangoFixture {
    ArangoFixture::new(&Arango::start().await).await
}

conformance_tests!(fixture().await);

mod blocking {
    use super::*;

    conformance_tests!(Blocking::new(fixture().await));
}
