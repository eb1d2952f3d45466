//! Requests, and how they are read.

use std::io;

use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::Failure;

use super::percent;

const LONGEST_HEAD: usize = 64 * 1024;
const LONGEST_BODY: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with the prefix of the database.
    pub(crate) path: String,
    pub(crate) database: String,
    /// The path without that prefix, decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    /// The stream transaction that it belongs to.
    pub(crate) transaction: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
    chunked: bool,
}

/// What a connection has sent and nobody has read yet.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
}

impl Request {
    /// The body as JSON; an empty one is nothing.
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        if self.body.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure::new(600, format!("invalid JSON object: {error}")))
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.chunked
    }
}

impl Buffer {
    /// The next request; nothing where the connection ends before one.
    pub(super) async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Request>> {
        loop {
            if let Some((mut request, head, length)) = parse_head(&self.bytes)? {
                if length > LONGEST_BODY {
                    return Err(io::Error::other("the body is too long"));
                }
                while self.bytes.len() < head + length {
                    if !self.fill(stream).await? {
                        return Ok(None);
                    }
                }
                let rest = self.bytes.split_off(head + length);
                request.body = self.bytes.split_off(head);
                self.bytes = rest;
                return Ok(Some(request));
            }
            if self.bytes.len() > LONGEST_HEAD {
                return Err(io::Error::other("the head is too long"));
            }
            if !self.fill(stream).await? {
                return Ok(None);
            }
        }
    }

    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        Ok(stream.read_buf(&mut self.bytes).await? > 0)
    }
}

/// A request without its body, the length of its head, the length of its body.
fn parse_head(bytes: &[u8]) -> io::Result<Option<(Request, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(head) = status else { return Ok(None) };
    let header = |name: &str| {
        let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let says = |name: &str, word: &str| header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
    let length = header("content-length").map_or(Ok(0), |length| length.trim().parse());
    let length = length.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let target = parsed.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (database, segments) = split(path);
    let keep_alive =
        if parsed.version == Some(0) { says("connection", "keep-alive") } else { !says("connection", "close") };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        database,
        segments,
        parameters: parameters(query),
        authorization: header("authorization"),
        transaction: header("x-arango-trx-id"),
        body: Vec::new(),
        keep_alive,
        chunked: says("transfer-encoding", "chunked"),
    };
    Ok(Some((request, head, length)))
}

fn split(path: &str) -> (String, Vec<String>) {
    let mut segments: Vec<String> =
        path.split('/').filter(|segment| !segment.is_empty()).map(percent::decode).collect();
    if segments.len() >= 2 && segments[0] == "_db" {
        let rest = segments.split_off(2);
        return (segments.remove(1), rest);
    }
    ("_system".to_owned(), segments)
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (percent::decode(name), percent::decode(&value.replace('+', " "))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_read_one_after_the_other() {
        let mut sent: &[u8] = b"POST /_db/my%20db/_api/index?collection=c HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}\
            GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
        let mut buffer = Buffer::default();
        let first = buffer.next(&mut sent).await.expect("well-formed").expect("a request");
        assert_eq!((first.database.as_str(), first.segments.join("/").as_str()), ("my db", "_api/index"));
        assert_eq!((first.parameter("collection"), first.body.as_slice()), (Some("c"), b"{}".as_slice()));
        let second = buffer.next(&mut sent).await.expect("well-formed").expect("a request");
        assert_eq!((second.path.as_str(), second.keep_alive, first.keep_alive), ("/", false, true));
        assert!(buffer.next(&mut sent).await.expect("the end").is_none());
    }
}
