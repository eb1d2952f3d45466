//! A network between client and server that can fall silent: requests arrive, and their answers do not, or not yet. On
//! all connections, or on some, which a client cannot tell from ones where the server takes its time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: String,
    silent: Arc<AtomicBool>,
    swallowing: Arc<AtomicU32>,
    stalled: watch::Sender<bool>,
}

impl Proxy {
    /// Stands between its clients and this server, on the runtime of the caller.
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (silent, swallowing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stalled, stalls) = watch::channel(false);
        let (server, is_silent, swallows) = (server.to_owned(), Arc::clone(&silent), Arc::clone(&swallowing));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let (swallows, is_silent, this_one) = (Arc::clone(&swallows), Arc::clone(&is_silent), Arc::default());
                let this_is = Arc::<AtomicBool>::clone(&this_one);
                tokio::spawn(pass_on(from_client, to_server, watch::channel(false).1, move |request| {
                    let asks_for_a_lock = request.windows(ACQUIRE.len()).any(|word| word == ACQUIRE);
                    let one_less = |left: u32| left.checked_sub(1);
                    if asks_for_a_lock && swallows.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
                        this_one.store(true, Ordering::SeqCst);
                    }
                    false
                }));
                let is_lost = move |_: &[u8]| is_silent.load(Ordering::SeqCst) || this_is.load(Ordering::SeqCst);
                tokio::spawn(pass_on(from_server, to_client, stalls.clone(), is_lost));
            }
        });
        Self { address, silent, swallowing, stalled }
    }

    /// Whether answers are kept back, as by a server that has stopped for a while. They come when it goes on.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// The next so many connections on which somebody asks for a lock are silent from then on.
    pub(crate) fn swallow(&self, connections: u32) {
        self.swallowing.store(connections, Ordering::SeqCst);
    }

    /// Whether answers are swallowed. A connection that has lost one is of no use any more.
    pub(crate) fn fall_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

const ACQUIRE: &[u8] = b"findAndModify";

/// What `is_lost` once says of is lost, and all after it. Nothing passes while it is stalled.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut stalled: watch::Receiver<bool>,
    is_lost: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut lost = false;
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        // Without a sender nobody stalls it any more.
        drop(stalled.wait_for(|stalled| !stalled).await);
        lost |= is_lost(&buffer[..read]);
        if !lost && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
