//! A client for tests: raw JSON over HTTP.

use arango_server::ArangoServer;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// The collection that most tests use.
pub(crate) const LOCKS: &str = "shylock_locks";

#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    authorization: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

/// A server, and a client of it, with the collection.
pub(crate) async fn ready() -> (ArangoServer, Client) {
    ready_with(ArangoServer::builder()).await
}

pub(crate) async fn ready_with(builder: arango_server::Builder) -> (ArangoServer, Client) {
    let server = builder.start().expect("a free port");
    let client = Client::new(&server.url());
    client.post("/_api/collection", &json!({ "name": LOCKS })).await;
    (server, client)
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, url: url.to_owned(), authorization: None }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn with_authorization(&self, authorization: &str) -> Self {
        Self { authorization: Some(authorization.to_owned()), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Reply {
        self.send(Method::POST, path, Some(body)).await.expect("an answer")
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Json>) -> reqwest::Result<Reply> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, text: response.text().await? })
    }

    pub(crate) async fn query(&self, text: &str, binds: Json) -> Reply {
        self.post("/_api/cursor", &json!({ "query": text, "bindVars": binds })).await
    }

    /// A query on the collection of the tests.
    pub(crate) async fn on_locks(&self, text: &str, mut binds: Json) -> Reply {
        binds["@locks"] = json!(LOCKS);
        self.query(text, binds).await
    }

    /// The only row of a query without bind parameters.
    pub(crate) async fn value(&self, text: &str) -> Json {
        self.query(text, json!({})).await.row()
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and error number.
    pub(crate) fn error(&self) -> (u16, u64) {
        (self.status, self.json()["errorNum"].as_u64().unwrap_or_else(|| panic!("no error: {}", self.text)))
    }

    pub(crate) fn rows(&self) -> Vec<Json> {
        let body = self.json();
        body["result"].as_array().unwrap_or_else(|| panic!("no result: {}", self.text)).clone()
    }

    pub(crate) fn row(&self) -> Json {
        let [row] = &self.rows()[..] else { panic!("not one row: {}", self.text) };
        row.clone()
    }

    pub(crate) fn stat(&self, name: &str) -> u64 {
        self.json()["extra"]["stats"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", self.text))
    }
}
