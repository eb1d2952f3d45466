//! [`Impostor`]: a proxy before a real server that makes it look like another.

use std::{
    collections::HashMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use mongodb::bson::Document;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex as AsyncMutex,
};

use super::message::Message;

/// How a server differs from the real one behind it.
pub trait Manners: Send + Sync + 'static {
    /// What becomes of a command; it passes as it is unless this says otherwise.
    fn command(&self, command: Document) -> Fate {
        Fate::Passes(command)
    }

    /// Changes the reply to that command.
    fn reply(&self, command: &Document, reply: &mut Document);
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// The real server gets this.
    Passes(Document),
    /// The real server gets nothing, and the client this reply.
    Answered(Document),
}

/// A server with manners of its own, on a port of its own, as long as the runtime lives on which it was made.
#[derive(Debug)]
pub struct Impostor {
    address: String,
}

impl Impostor {
    /// Stands before that server.
    ///
    /// # Panics
    /// There is no port.
    pub async fn before(server: &str, manners: impl Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (server, manners) = (server.to_owned(), Arc::new(manners));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, server.clone(), Arc::clone(&manners)));
            }
        });
        Self { address }
    }

    /// The connection string, with this path.
    #[must_use]
    pub fn uri(&self, database: &str) -> String {
        format!("mongodb://{}/{database}?directConnection=true", self.address)
    }
}

/// One connection.
struct Link<M> {
    manners: Arc<M>,
    /// The commands that are not answered yet, by the numbers of their messages.
    open: Mutex<HashMap<i32, Document>>,
    /// Replies come from the server and from here.
    to_client: AsyncMutex<OwnedWriteHalf>,
}

async fn connect<M: Manners>(client: TcpStream, server: String, manners: Arc<M>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let link = Link { manners, open: Mutex::default(), to_client: AsyncMutex::new(to_client) };
    tokio::select! {
        ended = link.requests(from_client, to_server) => ended,
        ended = link.replies(from_server) => ended,
    }
}

impl<M: Manners> Link<M> {
    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        while let Some(message) = Message::read(&mut from).await? {
            let Some(command) = message.body() else {
                to.write_all(message.bytes()).await?;
                continue;
            };
            match self.manners.command(command) {
                Fate::Passes(command) => {
                    let message = message.with_body(&command);
                    self.open().insert(message.id(), command);
                    to.write_all(message.bytes()).await?;
                }
                Fate::Answered(reply) => self.send(&Message::reply_to(message.id(), &reply)).await?,
            }
        }
        Ok(())
    }

    async fn replies(&self, mut from: OwnedReadHalf) -> io::Result<()> {
        while let Some(message) = Message::read(&mut from).await? {
            let command = self.open().remove(&message.answers());
            let (Some(command), Some(mut reply)) = (command, message.body()) else {
                self.send(&message).await?;
                continue;
            };
            self.manners.reply(&command, &mut reply);
            if message.is_followed() {
                self.open().insert(message.id(), command);
            }
            self.send(&message.with_body(&reply)).await?;
        }
        Ok(())
    }

    async fn send(&self, message: &Message) -> io::Result<()> {
        self.to_client.lock().await.write_all(message.bytes()).await
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<i32, Document>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> fmt::Debug for Link<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
