//! The conformance suite through blocking calls, on a replica set of one.

use shylock_core::conformance::conformance_tests;
use shylock_sync::conformance::Blocking;
use shylock_tests::{Mongo, MongoFixture};

conformance_tests!(Blocking::new(MongoFixture::new(&Mongo::replica_set(1).await).await));
