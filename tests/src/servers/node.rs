//! One `mongod`, wherever it runs.

use std::net::{Ipv4Addr, TcpListener};

use super::{
    child::Child,
    container::Container,
    failure::{Result, While},
    flag::Flag,
    image::Image,
    polling::{self, State},
    source::Source,
    version::Version,
};

/// A server that listens.
pub(crate) struct Node {
    /// Host and port.
    pub(crate) address: String,
    running: Running,
}

enum Running {
    Child(Box<Child>),
    Container(Box<Container>),
}

/// What `mongod` logs once it has its port and takes connections. A server that merely answers on
/// that port might be somebody else's who was faster.
const LISTENING: &str = "Waiting for connections";
const PORT_IS_TAKEN: &str = "Address already in use";
const ATTEMPTS: usize = 5;

impl Node {
    /// Starts a server with `more` flags on a free port.
    pub(crate) async fn start(source: Source, version: Version, more: &[Flag]) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let running = match source {
                Source::ChildProcess => Running::Child(Box::new(Child::start(version, port, more).await?)),
                Source::Image => {
                    let image = Image::of(version).await?;
                    Running::Container(Box::new(Container::start(&image, port, more).await?))
                }
                Source::Given => return Err("a server that is given cannot be started".to_owned()),
            };
            if running.gets_its_port().await? {
                let address = format!("127.0.0.1:{port}");
                return Ok(Self { address, running });
            }
        }
        Err(format!("every one of {ATTEMPTS} free ports was taken before mongod had it"))
    }

    /// The last lines of the server's log, for the reader of a failure.
    pub(crate) async fn last_words(&self) -> String {
        last_lines(&self.running.log().await.unwrap_or_else(|failure| failure))
    }
}

impl Running {
    async fn gets_its_port(&self) -> Result<bool> {
        polling::until("mongod listening", || async {
            let is_running = self.is_running().await?; // first, so that the log is whole if not
            let log = self.log().await?;
            match is_running {
                true if log.contains(LISTENING) => Ok(State::Done(true)),
                true => Ok(State::NotYet(last_lines(&log))),
                false if log.contains(PORT_IS_TAKEN) => Ok(State::Done(false)),
                false => Err(format!("mongod ended: {}", last_lines(&log))),
            }
        })
        .await
    }

    async fn is_running(&self) -> Result<bool> {
        match self {
            Self::Child(child) => child.is_running(),
            Self::Container(container) => container.is_running().await,
        }
    }

    async fn log(&self) -> Result<String> {
        match self {
            Self::Child(child) => child.log(),
            Self::Container(container) => container.log().await,
        }
    }
}

pub(crate) fn free_port() -> Result<u16> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = socket.and_then(|socket| socket.local_addr());
    Ok(address.or_say(|| "no free port".to_owned())?.port())
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    format!("\n{}", lines[lines.len().saturating_sub(8)..].join("\n"))
}
