//! Answers.

use serde_json::Value as Json;

use crate::error::Failure;

#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::text(status, body.to_string())
    }

    /// JSON that is text already.
    pub(crate) fn text(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json".to_owned(), location: None, body }
    }

    /// `result` is put between `error` and `code`, as most answers have it.
    pub(crate) fn result(status: u16, result: &Json) -> Self {
        Self::json(status, &serde_json::json!({ "error": false, "code": status, "result": result }))
    }

    /// With `error` and `code` added to the attributes.
    pub(crate) fn object(status: u16, mut attributes: serde_json::Map<String, Json>) -> Self {
        attributes.insert("error".to_owned(), Json::from(false));
        attributes.insert("code".to_owned(), Json::from(status));
        Self::json(status, &Json::Object(attributes))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8".to_owned(), location: None, body: String::new() }
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self { location: Some(location.to_owned()), ..Self::empty(301) }
    }

    /// The text before the body.
    pub(super) fn head(&self, server: Option<&str>, keep_alive: bool) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut header = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                head.push_str(part);
            }
        };
        if let Some(server) = server {
            header("server", server);
        }
        if let Some(location) = &self.location {
            header("location", location);
        }
        header("x-arango-queue-time-seconds", "0.000000");
        header("x-content-type-options", "nosniff");
        header(
            "cache-control",
            "no-cache, no-store, must-revalidate, pre-check=0, post-check=0, max-age=0, s-maxage=0",
        );
        header("connection", if keep_alive { "Keep-Alive" } else { "Close" });
        header("content-type", &self.content_type);
        header("content-length", &self.body.len().to_string());
        head + "\r\n"
    }
}

impl From<&Failure> for Response {
    fn from(failure: &Failure) -> Self {
        Self::json(failure.status(), &failure.body())
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        301 => "Moved Permanently",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        421 => "Misdirected Request",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
