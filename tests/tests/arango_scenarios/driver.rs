//! A user's own connection of arangors.

use arango_server::ArangoServer;
use async_trait::async_trait;
use http::{HeaderMap, Request, Response};
use shylock_arango::arangors::{ClientError, Database, GenericConnection, client::ClientExt};

use crate::{lab::DATABASE, secrets::PASSWORD};

/// The smallest client that arangors can use.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    http: reqwest::Client,
    headers: HeaderMap,
}

#[async_trait]
impl ClientExt for Plain {
    fn new<U: Into<Option<HeaderMap>>>(headers: U) -> Result<Self, ClientError> {
        Ok(Self { http: reqwest::Client::new(), headers: headers.into().unwrap_or_default() })
    }

    fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    async fn request(&self, request: Request<String>) -> Result<Response<String>, ClientError> {
        let (parts, body) = request.into_parts();
        let request = self.http.request(parts.method, parts.uri.to_string()).headers(self.headers.clone());
        let response = request.headers(parts.headers).body(body).send().await.map_err(failed)?;
        let mut result = Response::builder().status(response.status());
        for (name, value) in response.headers() {
            result = result.header(name, value);
        }
        result.body(response.text().await.map_err(failed)?).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> ClientError {
    ClientError::HttpClient(error.to_string())
}

/// The database of the locks, as the user sees it. Not by `establish_jwt`, which logs the server's answer at level TRACE, and
/// the token in it.
pub(crate) async fn database(server: &ArangoServer) -> Database<Plain> {
    let connection = GenericConnection::<Plain>::establish_basic_auth(&server.url(), "root", PASSWORD).await;
    connection.expect("a connection").db(DATABASE).await.expect("the database")
}
