//! A network between client and server that can fall silent: requests arrive, and their answers do not.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: String,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    /// Stands between its clients and this server, on the runtime of the caller.
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let silent = Arc::new(AtomicBool::new(false));
        let (server, is_silent) = (server.to_owned(), Arc::clone(&silent));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass_on(from_client, to_server, Arc::default()));
                tokio::spawn(pass_on(from_server, to_client, Arc::clone(&is_silent)));
            }
        });
        Self { address, silent }
    }

    /// Whether answers are swallowed. A connection that has lost one is of no use any more.
    pub(crate) fn fall_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut lost = false;
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        lost |= silent.load(Ordering::SeqCst);
        if !lost && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
