#[path="fixture.rs"] mod fixture;
use shylock_core::conformance::conformance_tests;
use std::time::Duration;
mod standalone { use super::*; conformance_tests!(fixture::MongoFixture::new("mongodb://127.0.0.1:37017/?directConnection=true", Duration::ZERO).await); }
mod rs1 { use super::*; conformance_tests!(fixture::MongoFixture::new("mongodb://127.0.0.1:37018/?replicaSet=rs1", Duration::from_millis(250)).await); }
mod rs3 { use super::*; conformance_tests!(fixture::MongoFixture::new("mongodb://127.0.0.1:37021,127.0.0.1:37022,127.0.0.1:37023/?replicaSet=rs3", Duration::from_millis(250)).await); }
