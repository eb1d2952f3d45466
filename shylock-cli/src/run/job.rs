//! [`Job`]: the command and what it has started, as one process group.

use std::{
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use shylock_core::FencingToken;
use tokio::process::{Child, Command};

use crate::{arguments::Run, failure::Failure};

/// How long a killed group may take to be gone. A process that the kernel does not let go of takes longer.
const GOING: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Job {
    child: Child,
    pub(super) group: Pid,
    pub(super) started: Instant,
}

impl Job {
    pub(super) fn start(options: &Run, token: FencingToken) -> Result<Self, Failure> {
        let Some((program, arguments)) = options.command.split_first() else {
            return Err(Failure::usage("there is no command"));
        };
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        command.env("SHYLOCK_NAME", &options.name).env("SHYLOCK_TOKEN", token.to_string());
        let not_started = |error: io::Error| Failure::not_started(&program.to_string_lossy(), &error);
        let child = command.spawn().map_err(not_started)?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = id.map(Pid::from_raw).ok_or_else(|| not_started(io::Error::other("it has no process id")))?;
        Ok(Self { child, group, started: Instant::now() })
    }

    /// Resolves when the command itself has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn end(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends a signal to the whole group. One that has gone does not mind.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = killpg(self.group, signal)
            && error != Errno::ESRCH
        {
            tracing::debug!(%error, %signal, "a signal did not reach the command");
        }
    }

    /// Whether somebody has stopped the command, as Ctrl-Z does.
    pub(super) fn is_stopped(&self) -> bool {
        let state = waitid(Id::Pid(self.group), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG);
        matches!(state, Ok(WaitStatus::Stopped(..)))
    }

    /// Kills what is left of the group, and waits until it is gone.
    pub(super) async fn kill_the_rest(&self) {
        let since = Instant::now();
        // Nobody tells when a process is gone that is not our child.
        while killpg(self.group, Signal::SIGKILL).is_ok() && since.elapsed() < GOING {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
