//! [`Signals`]: what somebody wants of this process, to be passed on to its command.

use std::io;

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::terminal::Terminal;

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

/// What is ignored here already, as by `nohup`, so that the command ignores it, too: a bit for each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[derive(Debug)]
pub(super) struct Signals(mpsc::UnboundedReceiver<Signal>);

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let (told, heard) = mpsc::unbounded_channel();
        let ignored = ignored();
        for kind in KINDS.into_iter().filter(|kind| ignored & (1 << (*kind as i32 - 1)) == 0) {
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
                Signal::SIGTSTP => Terminal::of_this_process().stop_this_process(),
                signal => return signal,
            }
        }
    }
}
