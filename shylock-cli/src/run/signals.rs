//! [`Signals`]: what somebody wants of this process, to be passed on to its command.

use std::io;

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// What is passed on, and the two that are about stopping: SIGTSTP, and SIGCHLD, which also tells of a stopped child.
const KINDS: [Signal; 9] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGTSTP,
    Signal::SIGCHLD,
];

#[derive(Debug)]
pub(super) struct Signals(mpsc::UnboundedReceiver<Signal>);

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let (told, heard) = mpsc::unbounded_channel();
        for kind in KINDS {
            let mut stream = signal(SignalKind::from_raw(kind as i32))?;
            let told = told.clone();
            tokio::spawn(async move { while stream.recv().await.is_some() && told.send(kind).is_ok() {} });
        }
        Ok(Self(heard))
    }

    /// The next one.
    ///
    /// # Cancel safety
    /// Cancel safe: none is lost.
    pub(super) async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }

    /// The next one that asks this process to end, or to do what its command would do.
    pub(super) async fn next_request(&mut self) -> Signal {
        loop {
            match self.next().await {
                Signal::SIGCHLD => {}
                Signal::SIGTSTP => super::terminal::stop_this_process(),
                signal => return signal,
            }
        }
    }
}
