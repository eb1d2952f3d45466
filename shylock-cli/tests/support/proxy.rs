//! A network that falls silent: connections stay, and nothing passes any more.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: String,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn before(server: &str) -> Self {
        Self::at("127.0.0.1:0", server)
    }

    /// At this address.
    pub(crate) fn at(address: &str, server: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let silent = Arc::new(AtomicBool::new(false));
        let (flag, server) = (Arc::clone(&silent), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (from, to) = (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
                pass(from, to, Arc::clone(&flag));
                pass(server, client, Arc::clone(&flag));
            }
        });
        Self { address, silent }
    }

    pub(crate) fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// What was held back passes, too.
    pub(crate) fn speak_again(&self) {
        self.silent.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, silent: Arc<AtomicBool>) {
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            while silent.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
            }
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
    });
}
