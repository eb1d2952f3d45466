//! What most of these tests begin with.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use arango_server::{ArangoServer, Builder, Level, Rights};
use serde_json::{Value, json};
use shylock_arango::{AcquireRequest, ArangoBackend, ArangoBuilder, Credentials, HolderId, HolderInfo, LockManager};
use shylock_arango::{LockName, RequestError};

use crate::secrets::{PASSWORD, assert_has_no_secret};

pub(crate) const DATABASE: &str = "shylock_scenarios";
pub(crate) const LOCKS: &str = "shylock_locks";

/// A server with an administrator and the database.
pub(crate) fn started(builder: Builder) -> ArangoServer {
    shylock_tests::trace();
    let server = builder.user("root", PASSWORD, Rights::new(Level::ReadWrite)).start().expect("started");
    server.create_database(DATABASE).expect("made");
    server
}

/// The same, where a backend has made the collection before: it is not new to the next.
pub(crate) async fn prepared(builder: Builder) -> ArangoServer {
    let server = started(builder);
    connected(&server).await;
    server
}

pub(crate) fn root() -> Credentials {
    Credentials::password("root", PASSWORD)
}

pub(crate) async fn connected(server: &ArangoServer) -> ArangoBackend {
    connected_with(server, ArangoBackend::builder()).await
}

pub(crate) async fn connected_with(server: &ArangoServer, builder: ArangoBuilder) -> ArangoBackend {
    builder.connect(server.url(), DATABASE, root()).await.expect("connected")
}

pub(crate) async fn manager(server: &ArangoServer) -> LockManager {
    LockManager::new(connected(server).await)
}

pub(crate) fn named(name: &str) -> LockName {
    LockName::new(name).expect("a valid name")
}

/// A new acquisition, for half a minute.
pub(crate) fn request(name: &str) -> AcquireRequest {
    let holder = HolderId::random().expect("random numbers");
    let ttl = Duration::from_secs(30);
    AcquireRequest { name: named(name), holder, ttl, info: HolderInfo::default() }
}

/// What the server answers to the administrator, whatever its status.
pub(crate) async fn ask(server: &ArangoServer, method: &str, path: &str, body: &Value) -> Value {
    let method = method.parse().expect("a method");
    let request = reqwest::Client::new().request(method, format!("{}/_db/{DATABASE}{path}", server.url()));
    let request = request.basic_auth("root", Some(PASSWORD)).body(body.to_string());
    let text = request.send().await.expect("answered").text().await.expect("a text");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"))
}

/// The rows that a query answers.
pub(crate) async fn query(server: &ArangoServer, aql: &str, binds: Value) -> Vec<Value> {
    let mut answer = ask(server, "POST", "/_api/cursor", &json!({ "query": aql, "bindVars": binds })).await;
    match answer["result"].take() {
        Value::Array(rows) => rows,
        _ => panic!("{aql}: {answer}"),
    }
}

/// Stores this record among the locks, whatever it is.
pub(crate) async fn plant(server: &ArangoServer, record: &Value) {
    query(server, "INSERT @record INTO @@locks", json!({ "@locks": LOCKS, "record": record })).await;
}

/// A record as this crate's own, of a lock that is free.
pub(crate) fn record(name: &str, key: &str) -> Value {
    json!({
        "_key": key, "name": name, "bytes": name.bytes().collect::<Vec<_>>(), "owner": "", "token": 7,
        "acquiredAt": 1, "expiresAt": 1, "host": null, "pid": null, "note": null,
    })
}

/// The crate's own error among the sources.
pub(crate) fn why<'a>(error: &'a (dyn Error + 'static)) -> &'a RequestError {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<RequestError>() {
            return found;
        }
        source = error.source();
    }
    panic!("it has no `RequestError`: {error:?}")
}

/// What was logged as a warning while this ran on the test's thread.
pub(crate) async fn warned<T>(call: impl Future<Output = T>) -> (String, T) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false);
    let ear = Arc::clone(&heard);
    let logs = logs.with_writer(move || Ear(Arc::clone(&ear))).finish();
    let listening = tracing::subscriber::set_default(logs);
    let done = call.await;
    drop(listening);
    let heard = String::from_utf8_lossy(&heard.lock().expect("no panic in here")).into_owned();
    assert_has_no_secret("a warning", &heard);
    (heard, done)
}

/// What the server's log of all versions says of one lock, which nobody hands on: the number of its grants. Each has a
/// larger token than all before it, and comes after the release of the last, or twice the skew after its end.
pub(crate) fn grants(server: &ArangoServer, key: &str, skew: Duration) -> usize {
    let mut grants = 0;
    let mut last = (String::new(), 0.0, 0.0);
    for entry in server.history(DATABASE, LOCKS, key) {
        let document = entry.document.as_ref().expect("nothing is removed");
        let number = |field: &str| document[field].as_f64().expect("a number");
        let owner = document["owner"].as_str().expect("a text").to_owned();
        if !owner.is_empty() && owner != last.0 {
            grants += 1;
            assert!(number("token") > last.1, "{entry:?} after {last:?}");
            // A grant is dated by the coordinator's clock.
            let free_at = if last.0.is_empty() { 0.0 } else { last.2 + 2.0 * skew.as_secs_f64() };
            assert!(number("acquiredAt") >= free_at, "{entry:?} after {last:?}");
        }
        last = (owner, number("token"), number("expiresAt"));
    }
    grants
}

struct Ear(Arc<Mutex<Vec<u8>>>);

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic in here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
