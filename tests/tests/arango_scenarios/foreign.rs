//! Documents among the locks that are not ours: reported, never granted, left as they are.

use std::time::Duration;

use arango_server::ArangoServer;
use serde_json::{Value, json};
use shylock_arango::{Error, LockManager};

use crate::{
    lab::{DATABASE, LOCKS, ask, manager, plant, prepared, query, record},
    secrets::PASSWORD,
};

/// One field of a record otherwise good, and what cannot stand there.
fn defects() -> Vec<(&'static str, Value)> {
    let owner = "07".repeat(16);
    let defects = [
        ("name", vec![Value::Null, json!("another"), json!(1), json!(["spoilt"])]),
        (
            "token",
            vec![
                Value::Null,
                json!("7"),
                json!(true),
                json!([7]),
                json!(0),
                json!(-7),
                json!(7.5),
                json!(9e15 + 8e12),
                json!(1e300),
            ],
        ),
        (
            "owner",
            vec![
                Value::Null,
                json!(7),
                json!(false),
                json!({}),
                json!("root"),
                json!(owner.to_uppercase().replace('7', "A")),
                json!(&owner[1..]),
                json!(format!("{owner}0")),
            ],
        ),
        (
            "expiresAt",
            vec![
                Value::Null,
                json!("1"),
                json!("2020-01-01T00:00:00Z"),
                json!(true),
                json!([]),
                json!({}),
                json!(-1),
                json!(1e12),
            ],
        ),
    ];
    defects.into_iter().flat_map(|(field, values)| values.into_iter().map(move |value| (field, value))).collect()
}

async fn is_corrupt_for_all(manager: &LockManager, name: &str, what: &str) {
    let lock = manager.lock(name);
    for (call, error) in [
        ("try_acquire", lock.try_acquire().await.map(drop)),
        ("acquire", lock.acquire().await.map(drop)),
        ("acquire_timeout", lock.acquire_timeout(Duration::from_secs(9)).await.map(drop)),
        ("inspect", manager.inspect(name).await.map(drop)),
        ("force_break", manager.force_break(name).await.map(drop)),
    ] {
        let is_right = matches!(&error, Err(Error::CorruptRecord { name: of, .. }) if of.as_str() == name);
        assert!(is_right, "{what}: {call} says {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spoilt_records_are_reported_and_untouched() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    for (number, (field, value)) in defects().into_iter().enumerate() {
        let name = format!("spoilt-{number}");
        for missing in [false, true] {
            let key = format!("{name}{}", if missing { "m" } else { "" });
            let name = &key;
            let mut spoilt = record(name, &key);
            if missing && !value.is_null() {
                continue;
            }
            if missing {
                spoilt.as_object_mut().expect("it is one").remove(field);
            } else {
                spoilt[field] = value.clone();
            }
            plant(&server, &spoilt).await;
            let before = server.document(DATABASE, LOCKS, &key).expect("planted");
            is_corrupt_for_all(&manager, name, &spoilt.to_string()).await;
            assert_eq!(server.document(DATABASE, LOCKS, &key), Some(before), "{spoilt}");
            assert_eq!(server.history(DATABASE, LOCKS, &key).len(), 1, "{spoilt}");
        }
    }
    assert_eq!(manager.list("spoilt").await.expect("listed"), []);
}

/// As after a collision of two hashes, or a record that was copied.
#[tokio::test(flavor = "multi_thread")]
async fn another_name_under_the_key_is_no_record_of_this_lock() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    for (owner, ends) in [("", 1.0), (&*"07".repeat(16), 1.0), (&*"07".repeat(16), 4e9)] {
        let name = format!("asked {} {ends}", owner.len());
        let key = name.replace(' ', "%20");
        let mut other = record("another", &key);
        (other["owner"], other["expiresAt"]) = (owner.into(), ends.into());
        plant(&server, &other).await;
        is_corrupt_for_all(&manager, &name, &other.to_string()).await;
        assert_eq!(server.history(DATABASE, LOCKS, &key).len(), 1, "it is as it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_beside_them_is_not_disturbed() {
    let server = prepared(ArangoServer::builder()).await;
    for foreign in
        [json!({}), json!({ "name": 1, "bytes": "x" }), json!({ "owner": [], "expiresAt": 4e9, "bytes": {} })]
    {
        plant(&server, &foreign).await;
    }
    let before = server.audit().len();
    let manager = manager(&server).await;
    let guard = manager.lock("ours").acquire().await.expect("granted");
    guard.renew().await.expect("renewed");
    let listed = manager.list("").await.expect("listed");
    assert_eq!(listed.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["ours"]);
    guard.release().await.expect("released");
    assert!(server.audit()[before..].iter().all(|entry| entry.key == "ours"));
}

/// Servers write large round numbers as `5e+15`.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_exponent_form_are_read() {
    const TOKEN: u64 = 5_000_000_000_000_000;
    for builder in [ArangoServer::builder(), ArangoServer::builder().all_doubles()] {
        let server = prepared(builder).await;
        let now = query(&server, "RETURN DATE_NOW() / 1000", json!({})).await[0].as_f64().expect("a time");
        let (mut free, mut held) = (record("free", "free"), record("held", "held"));
        (free["token"], free["expiresAt"]) = (5e15.into(), 1e9.into());
        (held["token"], held["owner"], held["expiresAt"]) = (5e15.into(), "07".repeat(16).into(), (now + 60.0).into());
        plant(&server, &free).await;
        plant(&server, &held).await;
        let text = raw(&server, "FOR l IN shylock_locks RETURN [l.token, l.expiresAt]").await;
        assert!(text.contains("[5e+15,1e+9]"), "that is how they come: {text}");

        let manager = manager(&server).await;
        assert_eq!(manager.inspect("held").await.expect("read").expect("held").token.get(), TOKEN);
        let guard = manager.lock("free").acquire().await.expect("granted");
        assert_eq!(guard.token().get(), TOKEN + 1);
        guard.renew().await.expect("renewed");
        guard.release().await.expect("released");
        let broken = manager.force_break("held").await.expect("broken").expect("held");
        assert_eq!(broken.token.get(), TOKEN);
        assert_eq!(manager.inspect("held").await.expect("read"), None);
    }
}

/// The answer to a query as it comes.
async fn raw(server: &ArangoServer, aql: &str) -> String {
    let request = reqwest::Client::new().post(format!("{}/_db/{DATABASE}/_api/cursor", server.url()));
    let request = request.basic_auth("root", Some(PASSWORD)).body(json!({ "query": aql }).to_string());
    request.send().await.expect("answered").text().await.expect("a text")
}

/// Without the collection's own index there is nothing that removes records; with one, ours live on.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_later_version_keeps_what_we_do_not_know() {
    let server = prepared(ArangoServer::builder()).await;
    let mut later = record("later", "later");
    later["fence"] = json!({ "of": "a later version" });
    plant(&server, &later).await;
    let manager = manager(&server).await;
    manager.lock("later").acquire().await.expect("granted").release().await.expect("released");
    let now = server.document(DATABASE, LOCKS, "later").expect("there");
    assert_eq!(now["fence"], later["fence"]);
    assert_eq!(ask(&server, "GET", "/_api/collection/shylock_locks/count", &Value::Null).await["count"], 1);
}
