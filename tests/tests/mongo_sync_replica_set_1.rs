//! The conformance suite through blocking calls, on a replica set of one, of each version of MongoDB.

use shylock_sync::conformance::Blocking;
use shylock_tests::{Kind, Mongo, MongoFixture, conformance_on_each_version};

conformance_on_each_version!(|version| Blocking::new(
    MongoFixture::new(&Mongo::of(version, Kind::ReplicaSet(1)).await).await
));
