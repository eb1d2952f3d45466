//! The conformance suite on a standalone server.

use shylock_core::conformance::conformance_tests;
use shylock_tests::{Mongo, MongoFixture};

conformance_tests!(MongoFixture::new(&Mongo::standalone().await).await);
