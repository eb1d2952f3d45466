//! The programs `worker` and `sync_worker` as processes that can be asked, stopped and killed.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use shylock_tests::SkewedClock;

use crate::shim::Shim;

/// Longer than any answer of a worker that works.
const PATIENCE: Duration = Duration::from_secs(300);

/// Killed when dropped.
pub(crate) struct Worker {
    child: Child,
    /// `None` once it was ended.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Worker {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut Command::new(env!("CARGO_BIN_EXE_worker")), arguments)
    }

    /// One with this wall clock.
    pub(crate) fn start_with_clock(clock: &SkewedClock, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_worker")).envs(clock.environment()), arguments)
    }

    /// A synchronous one: the program `sync_worker`.
    pub(crate) fn start_sync(arguments: &[&str]) -> Self {
        Self::spawn(&mut Command::new(env!("CARGO_BIN_EXE_sync_worker")), arguments)
    }

    /// A synchronous one that forks where it asks for its parent.
    pub(crate) fn start_sync_with_fork(shim: &Shim, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync_worker"));
        shim.preload(&mut command);
        Self::spawn(&mut command, arguments)
    }

    fn spawn(command: &mut Command, arguments: &[&str]) -> Self {
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the worker starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, stdin, lines }
    }

    /// What it says next.
    pub(crate) fn says(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the worker says something")
    }

    /// Its next words, which must begin with this one; without it.
    pub(crate) fn says_first(&self, word: &str) -> Vec<u64> {
        let line = self.says();
        let rest = line.strip_prefix(word).unwrap_or_else(|| panic!("the worker says {line:?}, not {word:?}"));
        rest.split_whitespace().map(|number| number.parse().expect("a number")).collect()
    }

    pub(crate) fn ask(&mut self) {
        self.tell("");
    }

    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it has not ended");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the worker listens");
    }

    /// Ends its stdin, and waits for its end.
    pub(crate) fn finish(&mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("it is ours")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the worker is there");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
