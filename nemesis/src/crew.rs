//! The workers' processes, on their hosts.

use std::{
    io::{BufRead, BufReader, Write},
    ops::Range,
    path::PathBuf,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Result,
    control::Control,
    lab::{Host, SkewedClock, WORKERS},
    worker::Orders,
};

/// Longer than a worker needs to begin or to end on the worst day.
const PATIENCE: Duration = Duration::from_secs(90);

/// A worker's process. It is killed when it is dropped.
#[derive(Debug)]
pub struct Member {
    /// Where it runs.
    pub host: Host,
    /// Its number in the history.
    pub process: u32,
    child: Child,
    lines: Receiver<String>,
}

impl Member {
    /// Starts it, with this wall clock if it is on the second host; it may take a while until it [says](Self::says) `ready`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(host: Host, clock: &SkewedClock, orders: &Orders) -> Result<Self> {
        let mut command = host.command("env");
        if host == WORKERS[1] {
            command.args(clock.words());
        }
        command.arg(std::env::current_exe()?).arg("worker").arg("--folder").arg(&orders.folder);
        command.args(["--process", &orders.process.to_string(), "--seed", &orders.seed.to_string()]);
        command.args(["--keeps", &orders.keeps.start.to_string(), "--up-to", &orders.keeps.end.to_string()]);
        command.args(["--ttl", &orders.ttl.to_string()]);
        if let Some(control) = orders.control {
            command.args(["--control", &control.to_string()]);
        }
        Self::spawn(host, orders.process, &mut command)
    }

    /// Starts another program of this crew on a host.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(host: Host, process: u32, command: &mut std::process::Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(std::io::Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { host, process, child, lines })
    }

    /// Waits until it says this, whatever it says before.
    ///
    /// # Errors
    /// It does not.
    pub fn says(&self, word: &str) -> Result<()> {
        let begin = Instant::now();
        loop {
            let line = self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed()));
            match line.map_err(|error| format!("worker {} does not say {word:?}: {error}", self.process))? {
                line if line == word => return Ok(()),
                _ => {}
            }
        }
    }

    /// Tells it to end.
    ///
    /// # Errors
    /// It is gone.
    pub fn end(&mut self) -> Result<()> {
        let stdin = self.child.stdin.as_mut().ok_or("no stdin")?;
        Ok(writeln!(stdin)?)
    }

    /// `kill -9`; returns when it is dead.
    ///
    /// # Errors
    /// It is gone already.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops it, or lets it go on.
    ///
    /// # Errors
    /// It is gone.
    pub fn pause(&self, paused: bool) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), if paused { Signal::STOP } else { Signal::CONT })?)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a run's workers have in common.
#[derive(Debug, Clone)]
pub struct Crew {
    /// The folder of the run.
    pub folder: PathBuf,
    /// Of the run.
    pub seed: u64,
    /// What is wrong on purpose.
    pub control: Option<Control>,
    /// The wall clock of their second host.
    pub clock: SkewedClock,
}

impl Crew {
    /// Starts one who uses locks.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_worker(&self, host: Host, process: u32) -> Result<Member> {
        Member::start(host, &self.clock, &self.worker(process))
    }

    /// Starts one who keeps locks of these numbers, by leases of so many milliseconds.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_keeper(&self, host: Host, process: u32, keeps: Range<u32>, ttl: u64) -> Result<Member> {
        Member::start(host, &self.clock, &Orders { keeps, ttl, ..self.worker(process) })
    }

    fn worker(&self, process: u32) -> Orders {
        Orders { folder: self.folder.clone(), process, seed: self.seed, keeps: 0..0, ttl: 0, control: self.control }
    }
}
