//! One request to one endpoint: time-outs, and no more of an answer than there can be.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Url, redirect::Policy};
use shylock_core::Result;

use crate::{
    builder::invalid,
    error::RequestError,
    reply::{Call, Reply},
    uri,
};

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    /// From sending to the end of the answer, connecting included.
    pub(crate) request: Duration,
    /// In bytes.
    pub(crate) reply: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), request: Duration::from_secs(5), reply: 8 << 20 }
    }
}

/// Servers close an idle connection after 300 s; a request must not meet them in doing so.
const IDLE: Duration = Duration::from_secs(90);

/// The pool of connections.
pub(crate) fn client(limits: Limits, roots: &[Vec<u8>]) -> Result<Client> {
    let mut client = Client::builder()
        .connect_timeout(limits.connect.min(limits.request))
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(Duration::from_secs(15))
        // A redirect would take the credentials elsewhere and make a GET of a POST.
        .redirect(Policy::none())
        // A database is not asked through the proxy of the web.
        .no_proxy()
        .http1_only();
    for pem in roots {
        let all = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
        if all.is_empty() {
            return Err(invalid("root_certificate", "it is no certificate in PEM format"));
        }
        client = all.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate);
    }
    client.build().map_err(|_| invalid("root_certificate", "the TLS library does not take the certificates"))
}

/// Sends a request and reads its answer to the end.
pub(crate) async fn deliver(
    client: &Client,
    endpoint: &Url,
    call: &Call,
    headers: HeaderMap,
    limits: Limits,
) -> Result<Reply, RequestError> {
    let origin = || endpoint.origin().ascii_serialization();
    let Some(url) = uri::at(endpoint, &call.path) else {
        return Err(RequestError::Unfit { option: "database", reason: "a name that cannot stand in a URL".into() });
    };
    let request = client
        .request(call.method.clone(), url)
        .timeout(limits.request)
        .headers(headers)
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        // A server whose queue is longer than our patience says so at once.
        .header("x-arango-queue-time-seconds", limits.request.as_secs_f64().to_string())
        .body(call.body.clone());
    let failed = |error: reqwest::Error| {
        let (endpoint, unsent) = (origin(), error.is_connect() || error.is_builder());
        let source = Box::new(error.without_url());
        if unsent {
            RequestError::Undelivered { endpoint, source }
        } else {
            RequestError::Unanswered { endpoint, source }
        }
    };
    let mut response = request.send().await.map_err(failed)?;
    let too_large = RequestError::TooLarge { limit: limits.reply };
    let most = u64::try_from(limits.reply).unwrap_or(u64::MAX);
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_large);
    }
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limits.reply {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(body);
    text.map(|body| Reply { status, body })
        .map_err(|_| RequestError::Unreadable { status, what: "a body that is no UTF-8" })
}
