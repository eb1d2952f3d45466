//! Errors as the server reports them: a number, the HTTP status that belongs to it, a sentence.

use std::fmt;

use serde_json::json;

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The `errorNum`; by it clients decide.
    pub number: u32,
    /// The `errorMessage`; nobody must rely on it.
    pub message: String,
    status: Option<u16>,
}

impl Failure {
    /// An error with a sentence of its own.
    #[must_use]
    pub fn new(number: u32, message: impl Into<String>) -> Self {
        Self { number, message: message.into(), status: None }
    }

    /// An error with the sentence that the server has for its number.
    #[must_use]
    pub fn of(number: u32) -> Self {
        Self::new(number, known(number).1)
    }

    /// With another HTTP status than the usual one of its number.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.unwrap_or(known(self.number).0)
    }

    pub(crate) fn while_executing(self) -> Self {
        let message = format!("AQL: {} (while executing)", self.message);
        Self { message, ..self }
    }

    pub(crate) fn body(&self) -> serde_json::Value {
        json!({ "code": self.status(), "error": true, "errorMessage": self.message, "errorNum": self.number })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.number)
    }
}

impl std::error::Error for Failure {}

/// HTTP status and sentence. Numbers that are not listed are internal errors.
fn known(number: u32) -> (u16, &'static str) {
    match number {
        4 => (500, "internal error"),
        10 => (400, "bad parameter"),
        11 => (401, "not authorized to execute this request"),
        18 => (500, "lock timeout"),
        21 => (410, "canceled request"),
        28 => (500, "locked"),
        29 => (500, "deadlock detected"),
        30 => (503, "shutdown in progress"),
        32 => (500, "resource limit exceeded"),
        38 => (503, "startup ongoing"),
        400 => (400, "bad parameter"),
        401 => (401, "Wrong credentials"),
        405 => (405, "method not supported"),
        503 => (503, "service unavailable due to startup or maintenance mode"),
        600 => (400, "invalid JSON object"),
        1004 => (403, "read only"),
        1200 => (409, "write-write conflict"),
        1202 => (404, "document not found"),
        1203 => (404, "collection or view not found"),
        1207 => (409, "duplicate name"),
        1208 => (400, "illegal name"),
        1210 => (409, "unique constraint violated"),
        1212 => (404, "index not found"),
        1221 => (400, "illegal document key"),
        1222 => (400, "unexpected document key"),
        1227 => (400, "invalid document type"),
        1228 => (404, "database not found"),
        1229 => (400, "database name invalid"),
        1230 => (403, "operation only allowed in system database"),
        1302 => (500, "operation should be tried again"),
        1303 => (500, "engine is busy"),
        1429 => (503, "write concern not fulfilled"),
        1457 => (500, "timeout in cluster operation"),
        1464 => (500, "shard is gone"),
        1465 => (503, "lost connection to database server"),
        1466 => (400, "must not specify _key for this collection"),
        1470 => (501, "operation not supported in this cluster"),
        1478 => (503, "cluster leadership challenge ongoing"),
        1489 | 1490 => (406, "replication operation refused"),
        1491 => (421, "former leader refuses the operation"),
        1495 => (503, "not leader"),
        1496 => (503, "leadership change in progress"),
        1500 => (410, "query killed"),
        1501 => (400, "syntax error"),
        1502 => (400, "query is empty"),
        1511 => (400, "variable is assigned multiple times"),
        1512 => (400, "unknown variable"),
        1521 => (500, "unable to acquire lock"),
        1539 => (400, "unknown OPTIONS attribute used"),
        1540 => (400, "usage of unknown function"),
        1541 => (400, "invalid number of arguments for function"),
        1551 => (400, "no value specified for declared bind parameter"),
        1552 => (400, "bind parameter was not declared in the query"),
        1553 => (400, "bind parameter has an invalid value or type"),
        1562 => (400, "division by zero"),
        1575 => (400, "query options must be readable at query compile time"),
        1579 => (400, "access after data-modification"),
        1584 => (500, "query is not eligible for plan caching"),
        1600 => (404, "cursor not found"),
        1620 => (400, "schema validation failed"),
        1654 => (410, "transaction aborted"),
        1655 => (404, "transaction not found"),
        21003 => (503, "server overloaded: queue is full"),
        21004 => (412, "server overloaded: queue time is too long"),
        _ => (500, "error"),
    }
}
