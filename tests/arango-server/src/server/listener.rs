//! Accepting connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    time,
};

use crate::http;

use super::Endpoint;

const BACKLOG: u32 = 1024;

pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until the server's tasks are ended.
pub(super) async fn accept(endpoint: Arc<Endpoint>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely; nothing tells when there are some again.
            time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        endpoint.shared.tally.count(|counters| counters.connections += 1);
        let of = Arc::clone(&endpoint);
        endpoint.shared.tasks.spawn(async move {
            http::serve(of, stream).await.ok();
        });
    }
}
