//! A real server. Its clock cannot be set, so leases are moved into the past instead, and nothing is done close to an
//! end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mongodb::{
    Collection,
    bson::{Bson, Document, doc},
};
use shylock_core::{Backend, LockName};
use shylock_mongo::MongoBackend;
use shylock_tests::Mongo;

use crate::{Handles, run::World};

pub(crate) struct Server {
    records: Collection<Document>,
    handles: Handles,
    _running: Mongo,
}

const DATABASE: &str = "reference";
const TICK: u64 = 60_000;
/// A sequence takes less than that.
const SLACK: u64 = 20_000;
const SKEW: Duration = Duration::from_millis(TICK);

impl Server {
    pub(crate) async fn start() -> Self {
        let mongo = Mongo::replica_set(1).await;
        let connect = || async {
            let builder = MongoBackend::builder().skew_allowance(SKEW).change_stream(false);
            Arc::new(builder.connect(mongo.uri(), DATABASE).await.expect("connected")) as Arc<dyn Backend>
        };
        let handles = Handles::new([connect().await, connect().await]);
        let records = mongo.client().await.database(DATABASE).collection("shylock_locks");
        Self { records, handles, _running: mongo }
    }
}

#[async_trait]
impl World for Server {
    async fn handle(&self) -> Arc<dyn Backend> {
        self.handles.next()
    }

    fn grace(&self) -> u64 {
        2 * TICK
    }

    fn tick(&self) -> u64 {
        TICK
    }

    fn slack(&self) -> u64 {
        SLACK
    }

    async fn pass(&self, ms: u64) {
        let ms = i64::try_from(ms).expect("not long");
        let earlier = doc! { "$set": { "expiresAt": { "$subtract": ["$expiresAt", ms] } } };
        let held = doc! { "owner": { "$ne": Bson::Null } };
        self.records.update_many(held, vec![earlier]).await.expect("moved");
    }

    async fn clock(&self) -> u64 {
        let hello = self.records.client().database("admin").run_command(doc! { "hello": 1 }).await.expect("answered");
        let now = hello.get_datetime("localTime").expect("a time").timestamp_millis();
        now.try_into().expect("after 1970")
    }

    async fn clean_up(&self, name: &LockName) {
        let idle = doc! { "_id": name.as_str(), "owner": Bson::Null };
        let removed = self.records.delete_one(idle).await.expect("removed").deleted_count;
        assert_eq!(removed, 1, "an idle record was there to be removed");
        // The next token is of a later millisecond than the last.
        let last = self.clock().await;
        while self.clock().await <= last {}
    }
}
