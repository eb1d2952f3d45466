//! A way to a server that can be cut.

use tokio::{
    io::{AsyncReadExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Leads to a server until it is cut. From then on connections are taken, and end with the first request.
pub(super) struct Way {
    pub(super) address: String,
    cut: watch::Sender<bool>,
}

impl Way {
    /// A way to the server at this host and port, for as long as the runtime of the test lives.
    pub(super) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), is_cut.clone()));
            }
        });
        Self { address, cut }
    }

    pub(super) fn cut(self) {
        self.cut.send_replace(true);
    }
}

async fn pass(mut client: TcpStream, server: String, mut is_cut: watch::Receiver<bool>) {
    if *is_cut.borrow() {
        drop(client.read(&mut [0; 1024]).await);
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        // Its sender is dropped when it has cut the way.
        _ = is_cut.wait_for(|cut| *cut) => {}
    }
}
