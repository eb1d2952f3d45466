//! Golden fact 16: what the driver arangors makes of it.

use arango_server::{ArangoServer, Generation};
use arangors::{ClientError, GenericConnection, client::ClientExt};
use http::HeaderMap;
use serde_json::{Value as Json, json};

use super::{
    client::{LOCKS, ready_with},
    texts::NOW,
};

/// The smallest client that arangors can use.
#[derive(Debug, Clone)]
struct Plain {
    http: reqwest::Client,
    headers: HeaderMap,
}

#[async_trait::async_trait]
impl ClientExt for Plain {
    fn new<U: Into<Option<HeaderMap>>>(headers: U) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(failed)?;
        Ok(Self { http, headers: headers.into().unwrap_or_default() })
    }

    fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    async fn request(&self, request: http::Request<String>) -> Result<http::Response<String>, ClientError> {
        let (parts, body) = request.into_parts();
        let request = self.http.request(parts.method, parts.uri.to_string()).headers(self.headers.clone());
        let response = request.headers(parts.headers).body(body).send().await.map_err(failed)?;
        let mut result = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            result = result.header(name, value);
        }
        result.body(response.text().await.map_err(failed)?).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> ClientError {
    ClientError::HttpClient(error.to_string())
}

async fn connected(generation: Generation) -> (ArangoServer, GenericConnection<Plain>) {
    let builder = ArangoServer::builder().generation(generation);
    let builder = builder.user("root", "p", arango_server::Rights::new(arango_server::Level::ReadWrite));
    let (server, client) = ready_with(builder).await;
    let root = client.with_authorization("Basic cm9vdDpw");
    root.post("/_api/collection", &json!({ "name": LOCKS })).await;
    let connection = GenericConnection::establish_jwt(&server.url(), "root", "p").await.expect("a connection");
    (server, connection)
}

#[tokio::test]
async fn fact_16_the_typed_interface_works_on_the_present_generation_only() {
    let (_server, connection) = connected(Generation::V3).await;
    let database = connection.db("_system").await.expect("the database");
    let now: Vec<f64> = database.aql_str(NOW).await.expect("the time");
    assert!(now[0] > 1.7e12);
    assert_eq!(database.collection(LOCKS).await.expect("the collection").name(), LOCKS);

    let (_server, connection) = connected(Generation::V4).await;
    let error = connection.db("_system").await.expect_err("there is no path");
    assert!(error.to_string().contains("missing field `path`"), "{error}");
}

#[tokio::test]
async fn fact_16_raw_requests_work_on_both() {
    for generation in [Generation::V3, Generation::V4] {
        let (_server, connection) = connected(generation).await;
        let url = connection.url().join("/_db/_system/_api/cursor").expect("a URL");
        let reply = connection.session().post(url, json!({ "query": NOW }).to_string()).await.expect("an answer");
        let body: Json = serde_json::from_str(reply.body()).expect("JSON");
        assert_eq!((reply.status().as_u16(), body["result"].as_array().map(Vec::len)), (201, Some(1)));
    }
}
