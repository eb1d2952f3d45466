//! TLS in front of a server that has none, or not with such a certificate: `mongod` does not start with one that has
//! expired.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certified;

/// Stands before this server (host and port), on the runtime of the caller; answers its port.
pub(crate) async fn before(server: &str, certified: &Certified) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (acceptor, server) = (TlsAcceptor::from(certified.server()), server.to_owned());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                // A client that does not trust it goes away.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(&server).await else { return };
                drop(copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    port
}
