//! What happens on a real MongoDB beyond the conformance suite.

mod attempts;
mod cancel;
mod clocks;
mod codes;
mod connect;
mod fake;
mod faults;
mod fence;
mod fence_renewal;
mod fenced;
mod foreign;
mod indexes;
mod notices;
mod operations;
mod plain;
mod processes;
mod proxy;
mod races;
mod replies;
mod rights;
mod runtimes;
mod secrets;
mod setup;
mod shim;
mod silence;
mod stall;
mod sync;
mod tickets;
mod worker;

use shylock_core::HolderId;
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::Mongo;

/// A name that no other test uses.
fn fresh(name: &str) -> String {
    let id = HolderId::random().expect("random numbers");
    format!("{name}_{:032x}", u128::from_be_bytes(*id.as_bytes()))
}

async fn manager(mongo: &Mongo) -> LockManager {
    LockManager::new(MongoBackend::connect(mongo.uri(), "shylock_scenarios").await.expect("connected"))
}
