//! The conformance suite's hands on a MongoDB collection.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mongodb::{
    Collection,
    bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype},
};
use shylock_core::{
    Backend, LockName,
    conformance::{ClientClock, Defect, Fixture},
};
use shylock_mongo::MongoBackend;

use crate::{Fate, Impostor, Manners, Mongo};

/// A collection on a real server.
#[derive(Debug)]
pub struct MongoFixture {
    uri: String,
    /// Where the server can be asked that carries out writes, if anybody may ask it.
    primary: Option<String>,
    skew: Duration,
    notifies: bool,
    records: Collection<Document>,
}

const DATABASE: &str = "shylock_conformance";

/// A server that fails each look in a way that no list of errors has.
struct Unwell;

impl Manners for Unwell {
    fn command(&self, command: Document) -> Fate {
        if command.contains_key("find") {
            Fate::Answered(doc! { "ok": 0, "code": 99_999, "codeName": "Unheard", "errmsg": "as a test wants it" })
        } else {
            Fate::Passes(command)
        }
    }

    fn reply(&self, _: &Document, _: &mut Document) {}
}

impl MongoFixture {
    /// The fixture for this deployment.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn new(mongo: &Mongo) -> Self {
        let database = mongo.client().await.database(DATABASE);
        let hello = database.run_command(doc! { "hello": 1 }).await.expect("the server answers");
        let standalone = !hello.contains_key("setName") && !hello.contains_key("msg");
        let skew = if standalone { Duration::ZERO } else { Duration::from_millis(250) };
        let uri = mongo.uri();
        let is_open = !uri.contains('@') && !uri.contains("tls=true") && !uri.contains("mongodb+srv");
        let primary = is_open.then(|| hello.get_str("primary").unwrap_or(mongo.hosts()).to_owned());
        Self { uri, primary, skew, notifies: !standalone, records: database.collection("shylock_locks") }
    }
}

#[async_trait]
impl Fixture for MongoFixture {
    /// The backend reads no clock of the client; `clocks.rs` shows it in processes whose clocks are shifted.
    async fn handle(&self, _: ClientClock) -> Arc<dyn Backend> {
        Arc::new(MongoBackend::connect(&self.uri, DATABASE).await.expect("connected"))
    }

    async fn unanswered(&self) -> Option<Arc<dyn Backend>> {
        let impostor = Impostor::before(self.primary.as_deref()?, Unwell).await;
        Some(Arc::new(MongoBackend::connect(impostor.uri(""), DATABASE).await.expect("connected")))
    }

    fn skew_allowance(&self) -> Duration {
        self.skew
    }

    fn notifies(&self) -> bool {
        self.notifies
    }

    async fn clean_up(&self, name: &LockName) {
        let idle = doc! { "_id": name.as_str(), "owner": Bson::Null };
        let removed = self.records.delete_one(idle).await.expect("removed").deleted_count;
        assert_eq!(removed, 1, "an idle record was there to be removed");
    }

    async fn plant(&self, name: &LockName, defect: Defect) -> bool {
        let mut record = doc! {
            "_id": name.as_str(),
            "owner": Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![7; 16] }),
            "token": i64::try_from(Defect::TOKEN).expect("below 2^53"),
            "leaseMs": 30_000_i64,
            "acquiredAt": DateTime::now(),
            "expiresAt": DateTime::from_millis(1),
            "purgeAt": DateTime::from_millis(DateTime::now().timestamp_millis() + 86_400_000),
        };
        spoil(&mut record, defect);
        self.records.insert_one(record).await.expect("planted");
        true
    }

    async fn stored(&self, name: &LockName) -> String {
        format!("{:?}", self.records.find_one(doc! { "_id": name.as_str() }).await.expect("found"))
    }
}

fn spoil(record: &mut Document, defect: Defect) {
    let far = DateTime::from_millis(253_402_214_400_000);
    let (field, value) = match defect {
        Defect::ExpiryIsText => ("expiresAt", Some(Bson::from("2020-01-01T00:00:00Z"))),
        Defect::ExpiryIsNumber => ("expiresAt", Some(Bson::from(1_i64))),
        Defect::ExpiryIsNull => ("expiresAt", Some(Bson::Null)),
        Defect::ExpiryIsMissing => ("expiresAt", None),
        Defect::ExpiryIsTooFar => ("expiresAt", Some(Bson::from(far))),
        Defect::HolderIsText => ("owner", Some(Bson::from("$token"))),
        Defect::HolderIsMissing => ("owner", None),
        Defect::TokenIsText => ("token", Some(Bson::from("1"))),
        Defect::TokenIsFraction => ("token", Some(Bson::from(1.5))),
        Defect::TokenIsMissing => ("token", None),
        Defect::TokenIsZero => ("token", Some(Bson::from(0_i64))),
        Defect::TokenIsNegative => ("token", Some(Bson::from(-5_i64))),
        Defect::TokenIsTooLarge => ("token", Some(Bson::from(1_i64 << 53))),
        Defect::TokenIsTheLast => ("token", Some(Bson::from((1_i64 << 53) - 1))),
        Defect::ForeignFieldsOnly => {
            *record = doc! { "_id": record.get("_id").cloned(), "createdAt": DateTime::now() };
            return;
        }
        other => panic!("the fixture does not know {other:?}"),
    };
    match value {
        Some(value) => drop(record.insert(field, value)),
        None => drop(record.remove(field)),
    }
}
