//! A server that speaks MongoDB's protocol and answers what a test wants. For replies that no `mongod` gives.

use std::sync::Arc;

use mongodb::bson::{Document, deserialize_from_slice, doc, serialize_to_vec};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Answer = dyn Fn(&str) -> Option<Document> + Send + Sync;

/// The server; it lives as long as the runtime of the test.
pub(crate) struct Fake {
    pub(crate) uri: String,
}

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;

impl Fake {
    /// Answers each command by its name in small letters; `None` is what a standalone would say, or just `ok`.
    pub(crate) async fn answering(answer: impl Fn(&str) -> Option<Document> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&answer)));
            }
        });
        Self { uri: format!("mongodb://{address}/?directConnection=true") }
    }
}

async fn serve(mut client: TcpStream, answer: Arc<Answer>) {
    while let Some((id, code, body)) = message(&mut client).await {
        let command = match code {
            OP_QUERY => &body[4 + body[4..].iter().position(|byte| *byte == 0).expect("the end of a name") + 9..],
            _ => &body[5..],
        };
        let command: Document = deserialize_from_slice(&command[..length(command)]).expect("a document");
        let name = command.keys().next().expect("a command").to_lowercase();
        let reply = serialize_to_vec(&answer(&name).unwrap_or_else(|| usual(&name))).expect("BSON");
        let head: Vec<u8> = match code {
            OP_QUERY => [8_i32, 0, 0, 0, 1].iter().flat_map(|number| number.to_le_bytes()).collect(),
            _ => vec![0; 5],
        };
        let whole = i32::try_from(16 + head.len() + reply.len()).expect("short");
        let code = if code == OP_QUERY { OP_REPLY } else { OP_MSG };
        let mut bytes: Vec<u8> = [whole, 0, id, code].iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(head);
        bytes.extend(reply);
        if client.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The id of a request, its kind, and what follows its header.
async fn message(client: &mut TcpStream) -> Option<(i32, i32, Vec<u8>)> {
    let mut header = [0; 16];
    client.read_exact(&mut header).await.ok()?;
    let number = |at: usize| i32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let mut body = vec![0; length(&header) - 16];
    client.read_exact(&mut body).await.ok()?;
    Some((number(4), number(12), body))
}

fn length(bytes: &[u8]) -> usize {
    let length = i32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
    usize::try_from(length).expect("a length")
}

fn usual(command: &str) -> Document {
    match command {
        "hello" | "ismaster" => doc! {
            "helloOk": true, "isWritablePrimary": true, "ismaster": true, "maxBsonObjectSize": 16_777_216,
            "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "minWireVersion": 0, "maxWireVersion": 17,
            "readOnly": false, "ok": 1.0,
        },
        "buildinfo" => doc! { "version": "6.0.5", "versionArray": [6, 0, 5, 0], "ok": 1.0 },
        "listcollections" | "listindexes" | "find" => {
            doc! { "cursor": { "id": 0_i64, "ns": "a.b", "firstBatch": [] }, "ok": 1.0 }
        }
        _ => doc! { "ok": 1.0 },
    }
}
