//! One database: sends queries and other requests to it and reads the answers.

use std::{sync::Arc, time::Duration};

use http::Method;
use serde_json::{Value, json};

use crate::{errno::Meaning, error::RequestError, key::escaped, query::Query, reply::Call, retry, session::Session};

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) session: Arc<dyn Session>,
    pub(crate) name: String,
    /// A query that runs for longer is killed by the server: nobody waits for it any more.
    pub(crate) max_runtime: Duration,
}

impl Database {
    /// The rows that a query answers. One that meets another writer is repeated a few times.
    pub(crate) async fn run(&self, query: &Query) -> Result<Vec<Value>, RequestError> {
        self.run_and_tell(query).await.map(|(rows, _)| rows)
    }

    /// The same, and whether it was repeated.
    pub(crate) async fn run_and_tell(&self, query: &Query) -> Result<(Vec<Value>, bool), RequestError> {
        let mut tried = 0;
        loop {
            match self.run_once(query).await {
                Err(error) => match retry::pause(error.meaning(), tried, retry::random()) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
                Ok(rows) => return Ok((rows, tried > 0)),
            }
            tried += 1;
        }
    }

    /// The same, once.
    pub(crate) async fn run_once(&self, Query { text, binds, rows }: &Query) -> Result<Vec<Value>, RequestError> {
        // A result with the time at which it was made must not be an answer later: newer servers read `cache` among the
        // options, older ones beside them.
        let body = json!({
            "query": text.aql,
            "bindVars": binds,
            "batchSize": (*rows).max(1),
            "cache": false,
            "options": { "cache": false, "maxRuntime": self.max_runtime.as_secs_f64() },
        });
        let (status, answer) = self.send(Method::POST, "/_api/cursor", Some(&body)).await?;
        found(status, answer)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, RequestError> {
        self.send(Method::GET, path, None).await.map(|(_, answer)| answer)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, RequestError> {
        self.send(Method::POST, path, Some(body)).await.map(|(_, answer)| answer)
    }

    /// The same database server's `_system`, where databases are made.
    pub(crate) fn system(&self) -> Self {
        Self { name: "_system".into(), ..self.clone() }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), RequestError> {
        let path = format!("/_db/{}{path}", escaped(&self.name));
        let call = Call { method, path, body: body.map(Value::to_string).unwrap_or_default() };
        let reply = self.session.send(&call).await?;
        reply.read().map(|answer| (reply.status, answer))
    }
}

/// The rows in the answer to a query.
pub(crate) fn found(status: u16, mut answer: Value) -> Result<Vec<Value>, RequestError> {
    match answer["result"].take() {
        Value::Array(rows) if answer["hasMore"].as_bool() != Some(true) => Ok(rows),
        Value::Array(_) => Err(RequestError::Unreadable { status, what: "more rows than were asked for" }),
        _ => Err(RequestError::Unreadable { status, what: "JSON without rows" }),
    }
}

/// Whether somebody else was in the way, and nothing was done.
pub(crate) fn is_contention(error: &RequestError) -> bool {
    matches!(error.meaning(), Meaning::Contention | Meaning::Blocked)
}
