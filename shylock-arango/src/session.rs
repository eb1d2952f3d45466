//! A connection of arangors, ours or a user's, as something that sends requests.

use std::time::Duration;

use arangors::{GenericConnection, client::ClientExt};
use async_trait::async_trait;
use http::{Request, header};
use reqwest::Url;

use crate::{
    error::RequestError,
    http::HttpClient,
    reply::{Call, Reply},
    runtime,
};

/// Sends requests. The typed calls of arangors are not used: they lose the HTTP status, expect attributes that newer
/// servers do not send, and read no token that is written as a double.
#[async_trait]
pub(crate) trait Session: Send + Sync {
    async fn send(&self, call: &Call) -> Result<Reply, RequestError>;
}

/// A connection over our own client.
pub(crate) struct Own(pub(crate) GenericConnection<HttpClient>);

/// A user's connection. Its time-outs, logins and pool are the user's; we only stop waiting.
pub(crate) struct Foreign<C: ClientExt> {
    pub(crate) connection: GenericConnection<C>,
    pub(crate) patience: Duration,
    pub(crate) limit: usize,
}

#[async_trait]
impl Session for Own {
    async fn send(&self, call: &Call) -> Result<Reply, RequestError> {
        runtime::timed()?;
        self.0.session().send(call).await
    }
}

#[async_trait]
impl<C: ClientExt + Send + Sync + 'static> Session for Foreign<C> {
    async fn send(&self, call: &Call) -> Result<Reply, RequestError> {
        runtime::timed()?;
        let Self { connection, patience, limit } = self;
        send(&*connection.session(), connection.url(), call, *patience, *limit).await
    }
}

/// Sends by a client of the user's.
pub(crate) async fn send<C: ClientExt + Send + Sync>(
    client: &C,
    base: &Url,
    call: &Call,
    patience: Duration,
    limit: usize,
) -> Result<Reply, RequestError> {
    // The URL of a user's connection may hold a password, and so may the errors of his client.
    let endpoint = base.origin().ascii_serialization();
    let has_secret = !base.username().is_empty() || base.password().is_some();
    let unsent = |source| RequestError::Undelivered { endpoint: endpoint.clone(), source };
    let url = base.join(&call.path).map_err(|error| unsent(error.into()))?;
    let request = Request::builder()
        .method(call.method.clone())
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .body(call.body.clone())
        .map_err(|error| unsent(error.into()))?;
    let unanswered = |source| RequestError::Unanswered { endpoint: endpoint.clone(), source };
    let answer = match tokio::time::timeout(patience, client.request(request)).await {
        Err(elapsed) => return Err(unanswered(elapsed.into())),
        Ok(Err(_)) if has_secret => return Err(unanswered("the client of the connection failed".into())),
        Ok(Err(error)) => return Err(unanswered(error.into())),
        Ok(Ok(answer)) => answer,
    };
    if answer.body().len() > limit {
        return Err(RequestError::TooLarge { limit });
    }
    Ok(Reply { status: answer.status().as_u16(), body: answer.into_body() })
}
