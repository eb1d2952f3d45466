//! The conformance suite on a standalone server, of each version of MongoDB.

use shylock_tests::{Kind, Mongo, MongoFixture, conformance_on_each_version};

conformance_on_each_version!(|version| MongoFixture::new(&Mongo::of(version, Kind::Standalone).await).await);
