//! The conformance suite's hands on an ArangoDB collection.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use shylock_arango::ArangoBackend;
use shylock_core::{
    Backend, LockName,
    conformance::{ClientClock, Defect, Fixture},
};

use super::{Arango, cut::Way};

/// A collection on a server.
#[derive(Debug)]
pub struct ArangoFixture {
    arango: Arango,
    skew: Duration,
    /// The server removes records soon after their leases.
    swept: bool,
}

const DATABASE: &str = "shylock_conformance";
const LOCKS: &str = "shylock_locks";

impl ArangoFixture {
    /// The fixture for this server.
    pub async fn new(arango: &Arango) -> Self {
        // Made here, so that a fixture can be used before there is a handle.
        drop(arango.backend(DATABASE, ArangoBackend::builder()).await);
        Self { arango: arango.clone(), skew: arango.skew_allowance().await, swept: false }
    }

    /// The same for a server whose clock for clean-ups is so far ahead that it removes records soon after their
    /// leases. A look at a record that is idle would come too late there.
    pub async fn swept(arango: &Arango) -> Self {
        Self { swept: true, ..Self::new(arango).await }
    }

    async fn find(&self, name: &LockName) -> Option<Value> {
        self.query("FOR l IN @@locks FILTER l._key == @key RETURN l", name, None).await.pop()
    }

    /// The end of a lease that will not be over during a test.
    async fn soon(&self) -> f64 {
        let now = self.arango.query(DATABASE, "RETURN DATE_NOW() / 1000 + 600", json!({})).await;
        now[0].as_f64().expect("a time")
    }

    async fn query(&self, aql: &str, name: &LockName, record: Option<Value>) -> Vec<Value> {
        let mut binds = json!({ "@locks": LOCKS, "key": key(name) });
        if let Some(record) = record {
            binds["record"] = record;
        }
        self.arango.query(DATABASE, aql, binds).await
    }
}

/// The key of a name as this suite makes them, of letters, digits, `_` and `/`.
fn key(name: &LockName) -> String {
    name.as_str().replace('/', "%2F")
}

#[async_trait]
impl Fixture for ArangoFixture {
    /// The backend reads no clock of the client: `shylock-arango` asks for no time of day but to show one.
    async fn handle(&self, _: ClientClock) -> Arc<dyn Backend> {
        Arc::new(self.arango.backend(DATABASE, ArangoBackend::builder()).await)
    }

    async fn unanswered(&self) -> Option<Arc<dyn Backend>> {
        let way = Way::to(self.arango.url().strip_prefix("http://")?.trim_end_matches('/').to_owned()).await;
        let connecting = ArangoBackend::connect(format!("http://{}", way.address), DATABASE, self.arango.credentials());
        let backend = connecting.await.expect("connected");
        way.cut();
        Some(Arc::new(backend))
    }

    fn skew_allowance(&self) -> Duration {
        self.skew
    }

    fn notifies(&self) -> bool {
        false
    }

    async fn clean_up(&self, name: &LockName) {
        if self.swept {
            // The server says to nobody that it has cleaned up.
            while self.find(name).await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            return;
        }
        let idle = "FOR l IN @@locks FILTER l._key == @key && l.owner == '' REMOVE l._key IN @@locks RETURN OLD._key";
        assert_eq!(self.query(idle, name, None).await.len(), 1, "an idle record was there to be removed");
    }

    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        let record = json!({
            "_key": key(name),
            "name": name.as_str(),
            "bytes": name.as_str().bytes().collect::<Vec<_>>(),
            "owner": "07".repeat(16),
            "token": Defect::TOKEN,
            "acquiredAt": 0.001,
            "expiresAt": if self.swept { self.soon().await } else { 0.001 },
            "host": null,
            "pid": null,
            "note": null,
        });
        let Some(record) = spoilt(record, defect) else { return false };
        self.query("INSERT @record INTO @@locks RETURN @key", name, Some(record)).await;
        true
    }

    async fn stored(&self, name: &LockName) -> String {
        format!("{:?}", self.find(name).await)
    }
}

/// The record with the defect; `None` if it would be none.
fn spoilt(mut record: Value, defect: Defect) -> Option<Value> {
    let (field, value) = match defect {
        Defect::ExpiryIsText => ("expiresAt", Some(json!("2020-01-01T00:00:00Z"))),
        // Times are numbers here.
        Defect::ExpiryIsNumber => return None,
        Defect::ExpiryIsNull => ("expiresAt", Some(Value::Null)),
        Defect::ExpiryIsMissing => ("expiresAt", None),
        Defect::ExpiryIsTooFar => ("expiresAt", Some(json!(253_402_214_400_u64))),
        Defect::HolderIsText => ("owner", Some(json!("$token"))),
        Defect::HolderIsMissing => ("owner", None),
        Defect::TokenIsText => ("token", Some(json!("1"))),
        Defect::TokenIsFraction => ("token", Some(json!(1.5))),
        Defect::TokenIsMissing => ("token", None),
        Defect::TokenIsZero => ("token", Some(json!(0))),
        Defect::TokenIsNegative => ("token", Some(json!(-5))),
        Defect::TokenIsTooLarge => ("token", Some(json!(1_u64 << 53))),
        Defect::TokenIsTheLast => ("token", Some(json!((1_u64 << 53) - 1))),
        Defect::ForeignFieldsOnly => {
            return Some(json!({ "_key": record["_key"], "createdAt": 1 }));
        }
        other => panic!("the fixture does not know {other:?}"),
    };
    let fields = record.as_object_mut().expect("it is made as one");
    match value {
        Some(value) => drop(fields.insert(field.into(), value)),
        None => drop(fields.remove(field)),
    }
    Some(record)
}
