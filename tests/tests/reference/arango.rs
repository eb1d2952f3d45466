//! The test server, whose clocks stand still until a test moves them: leases end on the very millisecond.

use std::{sync::Arc, time::Duration};

use arango_server::{ArangoServer, Level, Rights};
use async_trait::async_trait;
use serde_json::json;
use shylock_arango::{ArangoBackend, Credentials};
use shylock_core::{Backend, LockName};

use crate::{Handles, run::World};

pub(crate) struct Server {
    server: ArangoServer,
    handles: Handles,
}

const DATABASE: &str = "reference";
const PASSWORD: &str = "of a test";
/// Times are seconds in doubles: those of whole eighths are exact.
const EIGHTH: u64 = 125;
const SKEW: Duration = Duration::from_millis(4 * EIGHTH);
/// In the year 2026.
const START: i64 = 1_795_000_000_000;

impl Server {
    pub(crate) async fn start() -> Self {
        let server = ArangoServer::builder().user("root", PASSWORD, Rights::new(Level::ReadWrite)).start();
        let server = server.expect("started");
        server.create_database(DATABASE).expect("made");
        server.clock(0).freeze(START);
        let connect = || async {
            let backend = ArangoBackend::builder().skew_allowance(SKEW);
            let connecting = backend.connect(server.url(), DATABASE, Credentials::basic("root", PASSWORD)).await;
            Arc::new(connecting.expect("connected")) as Arc<dyn Backend>
        };
        let handles = Handles::new([connect().await, connect().await]);
        Self { server, handles }
    }
}

#[async_trait]
impl World for Server {
    async fn handle(&self) -> Arc<dyn Backend> {
        self.handles.next()
    }

    fn grace(&self) -> u64 {
        8 * EIGHTH
    }

    fn tick(&self) -> u64 {
        EIGHTH
    }

    fn slack(&self) -> u64 {
        0
    }

    async fn pass(&self, ms: u64) {
        self.server.clock(0).step(ms.try_into().expect("not long"));
    }

    async fn clock(&self) -> u64 {
        self.server.clock(0).now().try_into().expect("after 1970")
    }

    async fn clean_up(&self, name: &LockName) {
        let idle =
            "FOR l IN shylock_locks FILTER l.name == @name && l.owner == '' REMOVE l._key IN shylock_locks RETURN 1";
        let request = reqwest::Client::new().post(format!("{}/_db/{DATABASE}/_api/cursor", self.server.url()));
        let query = json!({ "query": idle, "bindVars": { "name": name.as_str() } });
        let answer = request.basic_auth("root", Some(PASSWORD)).json(&query).send().await.expect("answered");
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(answer["result"], json!([1]), "an idle record was there to be removed: {answer}");
    }
}
