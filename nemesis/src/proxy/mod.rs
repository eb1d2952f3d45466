//! A proxy on a workers' host: all that the host sends to the set goes through it. It understands MongoDB's messages,
//! and loses one reply or another.

mod rewrite;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::Notify,
};

use shylock_tests::Message;

use crate::{Result, dice::Dice, lab::NODES};

/// The ports to which the traffic for the nodes is redirected.
pub const PORTS: [u16; 3] = [20_001, 20_002, 20_003];

/// What a proxy does to the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Loses replies, and delays requests.
    pub lossy: bool,
    /// Has writes confirmed by one server only.
    pub one_server: bool,
}

/// What becomes of one write on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// It arrives after this time.
    Late(Duration),
    /// It is carried out; then the connection breaks.
    ReplyLost,
    /// It is carried out; then the connection is silent.
    ReplySwallowed,
    /// The connection breaks before it arrives.
    RequestLost,
}

impl Fate {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(1_000) {
            0..30 => Self::ReplyLost,
            // It takes one of ten connections of the pool for half a minute.
            30..34 => Self::ReplySwallowed,
            34..54 => Self::RequestLost,
            54..110 => Self::Late(dice.between(20, 900)),
            _ => Self::Passes,
        }
    }
}

/// Stands between this host and the set, until the process ends. While there is a file `quiet` in the folder, all
/// passes.
///
/// # Errors
/// A port cannot be had.
pub async fn serve(folder: &Path, seed: u64, manners: Manners) -> Result<()> {
    let shared = Arc::new(Shared { quiet: folder.join("quiet"), dice: Mutex::new(Dice::new(seed, 77)), manners });
    let mut listening = Vec::new();
    for (port, node) in PORTS.into_iter().zip(NODES) {
        let listener = TcpListener::bind(("0.0.0.0", port)).await?;
        let (shared, server) = (Arc::clone(&shared), format!("{}:27017", node.back_door()));
        listening.push(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, server.clone(), Arc::clone(&shared)));
            }
        }));
    }
    println!("ready");
    for task in listening {
        task.await?;
    }
    Ok(())
}

#[derive(Debug)]
struct Shared {
    quiet: PathBuf,
    dice: Mutex<Dice>,
    manners: Manners,
}

impl Shared {
    fn fate(&self, message: &Message) -> Fate {
        if !self.manners.lossy || !is_write(message) || self.quiet.exists() {
            return Fate::Passes;
        }
        Fate::draw(&mut self.dice.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether it changes a lock.
fn is_write(message: &Message) -> bool {
    message.body().is_some_and(|command| ["findAndModify", "update"].iter().any(|name| command.contains_key(name)))
}

/// What the two directions of a connection tell each other.
#[derive(Debug, Default)]
struct Link {
    /// The reply to this request is not to be passed on, nor anything after it; `true`: and the connection breaks.
    lose: Mutex<Option<(i32, bool)>>,
    broken: Notify,
}

async fn connect(client: TcpStream, server: String, shared: Arc<Shared>) -> Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let link = Arc::new(Link::default());
    tokio::select! {
        _ = requests(from_client, to_server, &shared, &link) => {}
        _ = replies(from_server, to_client, &link) => {}
        () = link.broken.notified() => {}
    }
    Ok(())
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, link: &Link) -> Result<()> {
    while let Some(mut message) = Message::read(&mut from).await? {
        let lose = |breaks| *link.lose.lock().unwrap_or_else(PoisonError::into_inner) = Some((message.id(), breaks));
        match shared.fate(&message) {
            Fate::Passes => {}
            Fate::Late(time) => tokio::time::sleep(time).await,
            Fate::ReplyLost => lose(true),
            Fate::ReplySwallowed => lose(false),
            Fate::RequestLost => {
                link.broken.notify_one();
                return Ok(());
            }
        }
        if shared.manners.one_server {
            message = rewrite::one_server(message);
        }
        to.write_all(message.bytes()).await?;
    }
    Ok(())
}

async fn replies(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, link: &Link) -> Result<()> {
    let mut silent = false;
    while let Some(message) = Message::read(&mut from).await? {
        let lost = link.lose.lock().unwrap_or_else(PoisonError::into_inner).filter(|(id, _)| *id == message.answers());
        match lost {
            Some((_, true)) => {
                link.broken.notify_one();
                return Ok(());
            }
            Some((_, false)) => silent = true,
            None => {}
        }
        if !silent {
            to.write_all(message.bytes()).await?;
        }
    }
    Ok(())
}
