//! Records that nobody of ours has written, beyond those of the conformance suite: whatever BSON can hold.

use std::time::Duration;

use mongodb::bson::{Binary, Bson, DateTime, Decimal128, Document, doc, spec::BinarySubtype};
use shylock_mongo::Error;
use shylock_tests::Mongo;

use crate::fresh;

/// A record as this crate's own, of a lock whose lease ended long ago.
fn record(name: &str) -> Document {
    doc! {
        "_id": name,
        "owner": binary(16),
        "token": 7_i64,
        "leaseMs": 30_000_i64,
        "acquiredAt": DateTime::from_millis(1),
        "expiresAt": DateTime::from_millis(2),
        "purgeAt": DateTime::from_millis(DateTime::now().timestamp_millis() + 86_400_000),
    }
}

fn binary(length: usize) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![7; length] })
}

/// What makes a record one that nobody may trust.
fn defects() -> Vec<(&'static str, Bson)> {
    let date = Bson::from(DateTime::from_millis(2));
    vec![
        ("token", Bson::Double(7.0)),
        ("token", Bson::Double(f64::NAN)),
        ("token", Bson::Double(f64::INFINITY)),
        ("token", Bson::Int32(7)),
        ("token", Bson::Decimal128(Decimal128::from_bytes([0; 16]))),
        ("token", Bson::Int64(i64::MAX)),
        ("token", Bson::Int64(i64::MIN)),
        ("token", Bson::Array(vec![7_i64.into()])),
        ("token", Bson::Document(doc! { "$add": [1, 2] })),
        ("token", Bson::Null),
        ("token", Bson::Boolean(true)),
        ("token", Bson::MaxKey),
        ("expiresAt", Bson::Array(vec![date.clone()])),
        ("expiresAt", Bson::Document(doc! { "seconds": 2 })),
        ("expiresAt", Bson::Timestamp(mongodb::bson::Timestamp { time: 1, increment: 1 })),
        ("expiresAt", Bson::Double(f64::NAN)),
        ("expiresAt", Bson::MinKey),
        ("expiresAt", Bson::DateTime(DateTime::MAX)),
        ("owner", binary(0)),
        ("owner", binary(15)),
        ("owner", binary(17)),
        ("owner", Bson::Array(vec![binary(16)])),
        ("owner", Bson::Document(doc! { "$literal": binary(16) })),
        ("owner", Bson::from("$token")),
        ("owner", Bson::ObjectId(mongodb::bson::oid::ObjectId::from_bytes([7; 12]))),
        ("owner", Bson::MaxKey),
    ]
}

/// Each is reported by every call that meets it, nobody is granted anything, and it stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn poisoned_records_are_reported_and_untouched() {
    let mongo = Mongo::standalone().await;
    let manager = crate::manager(&mongo).await;
    let records = mongo.client().await.database("shylock_scenarios").collection::<Document>("shylock_locks");
    let beside = manager.lock(fresh("beside")).acquire().await.expect("granted");
    for (field, value) in defects() {
        let name = fresh("poisoned");
        let mut planted = record(&name);
        planted.insert(field, value.clone());
        records.insert_one(&planted).await.expect("planted");
        let lock = manager.lock(&name);
        for error in [
            lock.try_acquire().await.map(drop),
            lock.acquire_timeout(Duration::from_secs(5)).await.map(drop),
            manager.inspect(&name).await.map(drop),
        ] {
            assert!(matches!(error, Err(Error::CorruptRecord { .. })), "{field}: {value:?}: {error:?}");
        }
        let stored = records.find_one(doc! { "_id": &name }).await.expect("read").expect("there");
        // `NaN` is not equal to itself.
        assert_eq!(format!("{stored:?}"), format!("{planted:?}"), "{field}: {value:?}");
        records.delete_one(doc! { "_id": &name }).await.expect("removed");
    }
    beside.renew().await.expect("who works beside them is not disturbed");
    beside.release().await.expect("released");
}

/// A record with megabytes of somebody's fields is ours all the same, and they are not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_record_is_one_nevertheless() {
    let mongo = Mongo::standalone().await;
    let manager = crate::manager(&mongo).await;
    let records = mongo.client().await.database("shylock_scenarios").collection::<Document>("shylock_locks");
    let name = fresh("large");
    let mut planted = record(&name);
    planted.insert("theirs", "x".repeat(15 << 20));
    records.insert_one(&planted).await.expect("planted");
    let guard = manager.lock(&name).acquire_timeout(Duration::from_secs(10)).await.expect("its lease ended long ago");
    assert!(guard.token().get() > 7, "the token grows on");
    guard.release().await.expect("released");
}
