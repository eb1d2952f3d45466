//! Our HTTP client under arangors: one pool, several endpoints, time-outs, a login that is renewed.

mod delivery;
mod endpoints;
mod login;
pub(crate) mod pass;

use std::{fmt, sync::Arc};

use arangors::{ClientError, GenericConnection, client::ClientExt};
use async_trait::async_trait;
use http::{HeaderMap, Request, Response, header};
use reqwest::{Client, Url};
use shylock_core::{Error, Result};

pub(crate) use self::delivery::Limits;
use self::{endpoints::Endpoints, login::Login, pass::Pass};
use crate::{
    builder::invalid,
    credentials::Credentials,
    error::RequestError,
    reply::{Call, Reply},
};

/// The client of one backend. Clones share everything.
#[derive(Clone)]
pub(crate) struct HttpClient {
    shared: Arc<Shared>,
    /// Headers that arangors adds. We ask it for none.
    headers: HeaderMap,
}

pub(crate) struct Shared {
    client: Client,
    endpoints: Endpoints,
    limits: Limits,
    login: Login,
}

tokio::task_local! {
    /// arangors makes its clients itself, and hands them no configuration.
    static ESTABLISHING: Arc<Shared>;
}

/// A connection of arangors over a client of ours. No I/O.
pub(crate) async fn connection(
    endpoints: Vec<Url>,
    credentials: Credentials,
    limits: Limits,
    roots: &[Vec<u8>],
) -> Result<GenericConnection<HttpClient>> {
    let client = delivery::client(limits, roots)?;
    let login = Login::new(credentials).ok_or_else(|| invalid("credentials", "they cannot stand in an HTTP header"))?;
    let first = endpoints.first().map(Url::to_string).ok_or_else(|| invalid("uri", "there is no endpoint"))?;
    let shared = Arc::new(Shared { client, endpoints: Endpoints::new(endpoints), limits, login });
    let made = ESTABLISHING.scope(shared, GenericConnection::establish_without_auth(first)).await;
    made.map_err(|error| Error::Backend { retryable: false, source: error.into() })
}

impl HttpClient {
    /// Sends a request, after a login if one is needed, and once more if the server says that the login has expired.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, RequestError> {
        let shared = &self.shared;
        let pass = shared.pass().await?;
        let reply = shared.deliver(call, pass.as_ref()).await?;
        if !reply.is_unauthorized() {
            return Ok(reply);
        }
        match shared.pass_after(pass.as_ref()).await? {
            Some(pass) => shared.deliver(call, Some(&pass)).await,
            None => Ok(reply),
        }
    }
}

impl Shared {
    /// Sends a request to the current endpoint, and to the others in turn while there is no connection to it.
    async fn deliver(&self, call: &Call, pass: Option<&Pass>) -> Result<Reply, RequestError> {
        let headers: HeaderMap = pass.map(|pass| (header::AUTHORIZATION, pass.header.clone())).into_iter().collect();
        let mut tries = self.endpoints.count();
        loop {
            let (number, endpoint) = self.endpoints.current();
            let answer = delivery::deliver(&self.client, endpoint, call, headers.clone(), self.limits).await;
            let failed = !matches!(&answer, Ok(reply) if reply.status < 502);
            if failed {
                self.endpoints.leave(number);
            }
            tries -= 1;
            match answer {
                Err(RequestError::Undelivered { .. }) if tries > 0 => {}
                answer => return answer,
            }
        }
    }
}

#[async_trait]
impl ClientExt for HttpClient {
    fn new<U: Into<Option<HeaderMap>>>(headers: U) -> Result<Self, ClientError> {
        let headers = headers.into().unwrap_or_default();
        let elsewhere = |_| ClientError::HttpClient("this client is only made by shylock-arango".into());
        ESTABLISHING.try_with(|shared| Self { shared: Arc::clone(shared), headers }).map_err(elsewhere)
    }

    fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    async fn request(&self, request: Request<String>) -> Result<Response<String>, ClientError> {
        let failed = |error: &dyn fmt::Display| ClientError::HttpClient(error.to_string());
        if ESTABLISHING.try_with(|_| ()).is_ok() {
            // arangors asks `GET /` for the name of the server, which proxies hide and newer servers do not answer.
            // Setting up asks better questions.
            let response = Response::builder().header(header::SERVER, "ArangoDB").body(String::new());
            return response.map_err(|error| failed(&error));
        }
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let reply = self.send(&Call { method: parts.method, path, body }).await.map_err(|error| failed(&error))?;
        let response = Response::builder().status(reply.status).body(reply.body);
        response.map_err(|error| failed(&error))
    }
}

impl fmt::Debug for HttpClient {
    /// Without the credentials and the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { endpoints, limits, .. } = &*self.shared;
        f.debug_struct("HttpClient").field("endpoints", endpoints).field("limits", limits).finish_non_exhaustive()
    }
}
