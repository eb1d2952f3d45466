//! The stored record, and what an operator sees of it.

use mongodb::bson::{Bson, Document, doc};
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::Mongo;

use crate::fresh;

/// The form of the record is a promise: operators and later versions read it.
#[tokio::test]
async fn the_record_has_the_documented_form() {
    let mongo = Mongo::standalone().await;
    let backend = MongoBackend::connect(mongo.uri(), "shylock_operations").await.expect("connected");
    let manager = LockManager::builder(backend).label("api-3").build().expect("valid");
    let name = fresh("record");
    let records = mongo.client().await.database("shylock_operations").collection::<Document>("shylock_locks");
    let record = async || records.find_one(doc! { "_id": &name }).await.expect("read").expect("there");

    let guard = manager.lock(&name).with_note("why").acquire().await.expect("granted");
    let held = record().await;
    let fields: Vec<&str> = held.keys().map(String::as_str).collect();
    let all = ["_id", "owner", "token", "leaseMs", "acquiredAt", "expiresAt", "purgeAt", "host", "pid", "note"];
    assert_eq!(fields, all);
    assert!(matches!(held.get("owner"), Some(Bson::Binary(id)) if id.bytes.len() == 16));
    assert_eq!(held.get_i64("token").ok().map(i64::cast_unsigned), Some(guard.token().get()));
    assert_eq!(held.get("leaseMs"), Some(&30_000_i64.into()));
    let date = |field| held.get_datetime(field).expect("a date").timestamp_millis();
    assert_eq!(date("expiresAt") - date("acquiredAt"), 30_000);
    assert_eq!(date("purgeAt") - date("expiresAt"), 24 * 3_600_000);
    assert_eq!((held.get("host"), held.get("note")), (Some(&"api-3".into()), Some(&"why".into())));
    assert_eq!(held.get("pid"), Some(&i64::from(std::process::id()).into()));

    guard.release().await.expect("released");
    let free = record().await;
    assert_eq!(free.get("owner"), Some(&Bson::Null));
    assert_eq!(free.get_datetime("expiresAt").expect("a date").timestamp_millis(), 0);
    assert_eq!(free.get("token"), held.get("token"), "the record stays, for the token's sake");
}
