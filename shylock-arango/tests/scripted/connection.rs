//! A connection of arangors that the user made, over a client of his own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use arangors::{ClientError, GenericConnection, client::ClientExt};
use async_trait::async_trait;
use http::{HeaderMap, Request, Response};
use shylock_arango::{ArangoBackend, Attempt, Backend, Error, Failure, arangors};

use crate::lab::{request, shown};

/// A client that needs no network: it answers `GET /` as arangors expects it, and all else with an error or never.
#[derive(Debug, Clone)]
struct Theirs {
    headers: HeaderMap,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl ClientExt for Theirs {
    fn new<U: Into<Option<HeaderMap>>>(headers: U) -> Result<Self, ClientError> {
        Ok(Self { headers: headers.into().unwrap_or_default(), asked: Arc::default() })
    }

    fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    async fn request(&self, request: Request<String>) -> Result<Response<String>, ClientError> {
        let uri = request.uri().to_string();
        self.asked.lock().expect("no panic").push(format!("{} {uri}", request.method()));
        let answer = |body: &str| Ok(Response::builder().header("server", "ArangoDB").body(body.into()).expect("fine"));
        match request.uri().path() {
            "/" => answer(""),
            path if path.contains("/_db/silent/") => std::future::pending().await,
            path if path.contains("/_db/broken/") => Err(ClientError::HttpClient(format!("cannot ask {uri}"))),
            path if path.contains("/_db/large/") => answer(&" ".repeat(10 << 20)),
            path if path.ends_with("/_api/cursor") => {
                let body: serde_json::Value = serde_json::from_str(request.body()).expect("JSON");
                let binds = &body["bindVars"];
                let row = serde_json::json!({ "name": binds["name"], "owner": binds["owner"], "token": 1.0, "expiresAt": 31, "now": 1 });
                answer(&serde_json::json!({ "error": false, "result": [row] }).to_string())
            }
            _ => answer(r#"{"error":false,"type":2}"#),
        }
    }
}

async fn connection(url: &str) -> GenericConnection<Theirs> {
    GenericConnection::establish_without_auth(url).await.expect("established")
}

#[tokio::test]
async fn a_connection_of_the_users_is_used() {
    let connection = connection("http://somewhere:8529").await;
    let asked = Arc::clone(&connection.session().asked);
    let backend = ArangoBackend::from_connection(connection, "my locks").expect("a backend");
    assert!(asked.lock().expect("no panic").is_empty(), "no I/O yet");
    assert!(matches!(backend.try_acquire(&request()).await, Ok(Attempt::Granted(_))));
    let asked = asked.lock().expect("no panic").clone();
    assert_eq!(asked[0], "GET http://somewhere:8529/_db/my%20locks/_api/collection/shylock_locks");
    assert_eq!(asked.last().map(String::as_str), Some("POST http://somewhere:8529/_db/my%20locks/_api/cursor"));
}

/// A client without time-outs cannot keep us, and what its errors say of a URL with a password is not repeated.
#[tokio::test]
async fn a_users_client_is_not_trusted_with_time_and_secrets() {
    for database in ["silent", "broken", "large"] {
        let connection = connection("http://root:canaryinthemine@somewhere:8529").await;
        let builder = ArangoBackend::builder().request_timeout(Duration::from_millis(50));
        let backend = builder.with_connection(connection, database).expect("a backend");
        let error = backend.try_acquire(&request()).await.expect_err(database);
        assert_eq!(*error.failure(), Failure::NotApplied, "only set-up was tried: {error:?}");
        assert!(!shown(&error).contains("canaryinthemine"), "{error:?}");
        assert!(!format!("{backend:?}").contains("canaryinthemine"), "{backend:?}");
    }
}

#[tokio::test]
async fn what_is_the_connections_own_cannot_be_set() {
    let builder = ArangoBackend::builder().endpoint("http://b");
    let error = builder.with_connection(connection("http://a").await, "locks").expect_err("refused");
    assert!(matches!(error, Error::InvalidOption { option: "endpoint", .. }), "{error:?}");
}
