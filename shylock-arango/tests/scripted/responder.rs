//! A scripted HTTP server: it says what a test tells it to, and to set-up requests what a healthy server says.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
    /// Which connection it came over.
    pub(crate) connection: usize,
}

impl Asked {
    /// Whether it is the query with this word in its text.
    pub(crate) fn is_query(&self, word: &str) -> bool {
        self.path.ends_with("/_api/cursor") && self.body["query"].as_str().is_some_and(|aql| aql.contains(word))
    }

    pub(crate) fn is_take(&self) -> bool {
        self.is_query("UPSERT")
    }

    /// The server's row for a `take` that is granted.
    pub(crate) fn granted(&self) -> Answer {
        let binds = &self.body["bindVars"];
        let ttl = binds["ttl"].as_f64().expect("a ttl");
        rows(&json!([{
            "name": binds["name"], "owner": binds["owner"], "token": 1_838_080_000_000_257_u64,
            "acquiredAt": NOW, "expiresAt": NOW + ttl, "host": null, "pid": null, "note": null, "now": NOW,
        }]))
    }

    pub(crate) fn authorization(&self) -> &str {
        self.headers.get("authorization").map_or("", String::as_str)
    }
}

/// The indexes of a collection of locks.
pub(crate) static INDEXES: LazyLock<Value> = LazyLock::new(|| {
    json!([
        { "type": "primary", "fields": ["_key"], "unique": true, "sparse": false },
        { "type": "ttl", "fields": ["expiresAt"], "expireAfter": 86_400, "unique": false, "sparse": true },
        { "type": "persistent", "fields": ["bytes"], "unique": false, "sparse": true },
    ])
});

pub(crate) const NOW: f64 = 1_795_000_000.25;

/// What to say.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This body, as it is.
    Body(u16, String),
    /// The same, after a while.
    Late(Duration, Box<Answer>),
    /// Half of it, and the end of the connection.
    Cut(String),
    /// So many bytes without an end in sight, in chunks.
    Endless(usize),
    /// Nothing, ever.
    Silence,
    /// The end of the connection.
    Close,
    /// What a healthy server says.
    Healthy,
}

pub(crate) fn rows(rows: &Value) -> Answer {
    Answer::Body(201, json!({ "result": rows, "hasMore": false, "error": false, "code": 201 }).to_string())
}

pub(crate) fn refusal(status: u16, number: u32) -> Answer {
    let body = json!({ "error": true, "code": status, "errorNum": number, "errorMessage": "as scripted" });
    Answer::Body(status, body.to_string())
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A server, gone when dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&log));
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                tokio::spawn(async move { serve(stream, connection, &*script, &seen).await });
            }
        });
        Self { url, log, task }
    }

    /// One that is as it should be.
    pub(crate) async fn healthy() -> Self {
        Self::new(|asked| if asked.is_take() { asked.granted() } else { Answer::Healthy }).await
    }

    /// Closes the port. What is connected stays so.
    pub(crate) async fn end(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().expect("no panic").clone()
    }

    pub(crate) fn count(&self, which: impl Fn(&Asked) -> bool) -> usize {
        self.log().iter().filter(|asked| which(asked)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn serve(stream: TcpStream, connection: usize, script: &Script, log: &Mutex<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream, connection).await {
        log.lock().expect("no panic").push(asked.clone());
        let mut answer = script(&asked);
        while let Answer::Late(delay, later) = answer {
            tokio::time::sleep(delay).await;
            answer = *later;
        }
        let (status, body) = match answer {
            Answer::Body(status, body) => (status, body),
            Answer::Healthy => healthy(&asked),
            Answer::Cut(body) => {
                let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n", 2 * body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                return;
            }
            Answer::Endless(bytes) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                let chunk = [b"10000\r\n", vec![b' '; 1 << 16].as_slice(), b"\r\n"].concat();
                for _ in 0..bytes >> 16 {
                    if stream.write_all(&chunk).await.is_err() {
                        return;
                    }
                }
                return;
            }
            Answer::Silence => std::future::pending().await,
            Answer::Close | Answer::Late(..) => return,
        };
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: HashMap<_, _> = lines[1..].iter().filter_map(header).collect();
    assert!(!headers.contains_key("transfer-encoding"), "ArangoDB takes no chunked requests");
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().expect("a length"))];
    stream.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { method, path, headers, body, connection })
}

fn healthy(asked: &Asked) -> (u16, String) {
    let (status, body) = match (asked.method.as_str(), asked.path.rsplit_once("/_api/").map_or("", |(_, path)| path)) {
        (_, "cursor") => (201, json!({ "result": [], "hasMore": false, "error": false, "code": 201 })),
        (_, "query") => {
            (200, json!({ "parsed": true, "collections": [], "bindVars": [], "error": false, "code": 200 }))
        }
        ("GET", "database/current") => (200, json!({ "result": { "name": "locks", "sharding": "" }, "error": false })),
        ("GET", path) if path.ends_with("/properties") => (
            200,
            json!({ "type": 2, "keyOptions": { "allowUserKeys": true }, "shardKeys": ["_key"], "numberOfShards": 1,
                "replicationFactor": 3, "writeConcern": 2, "error": false, "code": 200 }),
        ),
        ("GET", path) if path.starts_with("collection/") => (200, json!({ "type": 2, "error": false, "code": 200 })),
        ("GET", path) if path.starts_with("index") => (200, json!({ "indexes": INDEXES.clone(), "error": false })),
        ("POST", path) if path.starts_with("index") => (201, json!({ "isNewlyCreated": true, "error": false })),
        ("POST", "database") => (201, json!({ "result": true, "error": false, "code": 201 })),
        ("POST", "collection") => (200, json!({ "type": 2, "error": false, "code": 200 })),
        _ if asked.path.ends_with("/_open/auth") => (200, json!({ "jwt": token(0, 3600.0) })),
        _ => return (404, String::new()),
    };
    (status, body.to_string())
}

/// A JSON web token that lives so many seconds.
pub(crate) fn token(number: u64, lifetime: f64) -> String {
    let claims = format!(r#"{{"iat":1000,"exp":{}}}"#, 1000.0 + lifetime);
    format!("header.{}.signature-{number}", base64_url(claims.as_bytes()))
}

fn base64_url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        (0..=group.len()).for_each(|at| text.push(char::from(LETTERS[bits >> (18 - 6 * at) & 63])));
    }
    text
}
