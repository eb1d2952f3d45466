//! The conformance suite through blocking calls, on the reference store.

use shylock_core::conformance::{MemoryFixture, conformance_tests};
use shylock_sync::conformance::Blocking;

async fn fixture() -> Blocking<MemoryFixture> {
    Blocking::new(MemoryFixture::default())
}

conformance_tests!(fixture().await);
