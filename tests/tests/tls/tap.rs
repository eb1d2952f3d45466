//! Passes on what clients and a server say, and keeps what the clients said.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

/// On a port of its own.
pub(crate) struct Tap {
    pub(crate) port: u16,
    /// By connection.
    said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    /// Stands before this server (host and port), on the runtime of the caller.
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let tap = Self { port: listener.local_addr().expect("an address").port(), said: Arc::default() };
        let (server, said) = (server.to_owned(), Arc::clone(&tap.said));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let said = Arc::clone(&said);
                tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
                tokio::spawn(async move {
                    let number = {
                        let mut said = said.lock().expect("no panic in here");
                        said.push(Vec::new());
                        said.len() - 1
                    };
                    let mut buffer = [0; 4096];
                    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                        said.lock().expect("no panic in here")[number].extend_from_slice(&buffer[..read]);
                        if to_server.write_all(&buffer[..read]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        tap
    }

    /// Asserts that clients came, and that none said anything but the beginning of TLS: a record of a handshake.
    pub(crate) fn assert_heard_only_tls(&self) {
        let said = self.said.lock().expect("no panic in here");
        let said: Vec<&Vec<u8>> = said.iter().filter(|said| !said.is_empty()).collect();
        assert!(!said.is_empty(), "somebody came");
        for said in said {
            assert!(said.starts_with(&[22, 3]), "this is not TLS: {:?}", String::from_utf8_lossy(said));
        }
    }
}
