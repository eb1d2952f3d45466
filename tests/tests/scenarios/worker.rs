//! The program `worker` as a process that can be asked, stopped and killed.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than any answer of a worker that works.
const PATIENCE: Duration = Duration::from_secs(300);

/// Killed when dropped.
pub(crate) struct Worker {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Worker {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut Command::new(env!("CARGO_BIN_EXE_worker")), arguments)
    }

    /// One whose wall clock is ahead by so many seconds.
    pub(crate) fn start_with_clock(shim: &Path, ahead: i64, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        command.env("LD_PRELOAD", shim).env("CLOCK_AHEAD_SECONDS", ahead.to_string());
        Self::spawn(&mut command, arguments)
    }

    fn spawn(command: &mut Command, arguments: &[&str]) -> Self {
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the worker starts");
        let stdin = child.stdin.take().expect("piped");
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
        writeln!(self.stdin).and_then(|()| self.stdin.flush()).expect("the worker listens");
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
