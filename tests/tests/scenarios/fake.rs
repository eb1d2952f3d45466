//! A server that speaks MongoDB's protocol and answers what a test wants. For replies that no `mongod` gives.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use shylock_tests::Message;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

type Answer = dyn Fn(&str) -> Option<Document> + Send + Sync;

/// The server; it lives as long as the runtime of the test.
pub(crate) struct Fake {
    pub(crate) uri: String,
}

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
    while let Ok(Some(request)) = Message::read(&mut client).await {
        let command = request.body().expect("a command");
        let name = command.keys().next().expect("its name").to_lowercase();
        let reply = Message::reply_to(request.id(), &answer(&name).unwrap_or_else(|| usual(&name)));
        if client.write_all(reply.bytes()).await.is_err() {
            return;
        }
    }
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
