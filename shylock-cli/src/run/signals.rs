//! [`Signals`]: what somebody wants of this process, to be passed on to its command, and what becomes of its children.

use std::{collections::VecDeque, io};

use nix::{
    sys::signal::{SigSet, Signal},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{
    children::{self, Change},
    terminal::Terminal,
};

/// What is passed on.
pub(super) const REQUESTS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
];

/// Whether it asks a command to end. The others have a meaning of the command's own.
pub(super) const fn asks_to_end(signal: Signal) -> bool {
    matches!(signal, Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP | Signal::SIGQUIT)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Request(Signal),
    Child(Pid, Change),
}

/// Makes this thread, and those that it starts, independent of the signal mask that was inherited. With SIGTTOU blocked, a
/// message of ours does not stop us where the terminal stops background output (`stty tostop`).
pub(crate) fn prepare() {
    let mut output = SigSet::empty();
    output.add(Signal::SIGTTOU);
    let _possible = SigSet::all().thread_unblock().and_then(|()| output.thread_block());
}

/// What is ignored here already, as by `nohup`, so that the command ignores it, too: a bit for each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[derive(Debug)]
pub(super) struct Signals {
    requests: mpsc::UnboundedReceiver<Signal>,
    /// Those that were looked at already.
    pending: VecDeque<Signal>,
    children: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let ignored = ignored();
        // Where it is ignored, the kernel throws the statuses of children away.
        let children = signal(SignalKind::child())?;
        let (sender, requests) = mpsc::unbounded_channel();
        for kind in
            REQUESTS.into_iter().chain([Signal::SIGTSTP]).filter(|kind| ignored & (1 << (*kind as i32 - 1)) == 0)
        {
            let mut stream = signal(SignalKind::from_raw(kind as i32))?;
            let sender = sender.clone();
            tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(kind).is_ok() {} });
        }
        Ok(Self { requests, pending: VecDeque::new(), children })
    }

    /// The next request, or the next change of a child.
    ///
    /// # Cancel safety
    /// Cancel safe: none is lost.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(signal) = self.pending.pop_front().or_else(|| self.requests.try_recv().ok()) {
                return Event::Request(signal);
            }
            if let Some((pid, change)) = children::next_change() {
                return Event::Child(pid, change);
            }
            tokio::select! {
                Some(signal) = self.requests.recv() => return Event::Request(signal),
                Some(()) = self.children.recv() => {}
                else => std::future::pending().await,
            }
        }
    }

    /// The next one that asks this process to end, or to do what its command would do. Children are waited for meanwhile,
    /// as the first process of a container gets all orphans.
    pub(super) async fn next_request(&mut self) -> Signal {
        loop {
            match self.next().await {
                Event::Child(..) => {}
                Event::Request(Signal::SIGTSTP) => Terminal::of_this_process().stop_this_process(),
                Event::Request(signal) => return signal,
            }
        }
    }

    /// It comes again.
    pub(super) fn put_back(&mut self, signal: Signal) {
        self.pending.push_back(signal);
    }

    /// Forgets further requests of this kind that have come already.
    pub(super) fn drop_repetitions(&mut self, of: Signal) {
        while let Ok(signal) = self.requests.try_recv() {
            self.pending.push_back(signal);
        }
        self.pending.retain(|signal| *signal != of);
    }
}
