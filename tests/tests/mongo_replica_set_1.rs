//! The conformance suite on a replica set of one.

use shylock_core::conformance::conformance_tests;
use shylock_tests::{Mongo, MongoFixture};

conformance_tests!(MongoFixture::new(&Mongo::replica_set(1).await).await);
