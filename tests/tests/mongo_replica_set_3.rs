//! The conformance suite on a replica set of three, of each version of MongoDB.

use shylock_tests::{Kind, Mongo, MongoFixture, conformance_on_each_version};

conformance_on_each_version!(|version| MongoFixture::new(&Mongo::of(version, Kind::ReplicaSet(3)).await).await);
