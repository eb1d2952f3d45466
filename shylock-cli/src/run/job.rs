//! [`Job`]: the command and all that it has started.

use std::{
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use shylock_core::FencingToken;

use super::{
    children::Change,
    family::{self, Family, Found, Id, Mark, table},
    gate::Gate,
};
use crate::{arguments::Run, failure::Failure, output};

/// How long killed processes may take to be gone. One that the kernel does not let go of takes longer.
pub(super) const DYING: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Job {
    /// The command, and its process group.
    pub(super) command: Pid,
    pub(super) started: Instant,
    pub(super) mark: Mark,
    family: Family,
    pub(super) ended: Option<ExitStatus>,
    /// Whether it was reported that a process cannot be reached.
    denied: bool,
}

/// Which processes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Group,
    All,
}

impl Job {
    /// Starts it behind the gate. To be called on the first thread: the command dies with the thread that starts it.
    pub(super) fn start(options: &Run, token: FencingToken, strangers: bool, gate: &Gate) -> Result<Self, Failure> {
        let not_started = |error: io::Error| Failure::system("the command cannot be started", &error);
        let mark = Mark::random().map_err(not_started)?;
        let mut command = gate.command(&options.command);
        command.env("SHYLOCK_NAME", &options.name).env("SHYLOCK_TOKEN", token.to_string());
        command.env(family::mark::VARIABLE, mark.variable(&options.name, token.get()));
        let child = command.spawn().map_err(not_started)?;
        let id = |pid: u32| {
            let process = i32::try_from(pid).ok().and_then(table::find);
            process.map(|process| Id::of(&process)).ok_or_else(|| not_started(io::Error::other("it is not in /proc")))
        };
        let (supervisor, command) = (id(std::process::id())?, id(child.id())?);
        let family = Family::new(supervisor, command, strangers);
        let (command, started) = (Pid::from_raw(command.pid), Instant::now());
        Ok(Self { command, started, mark, family, ended: None, denied: false })
    }

    /// A process that is none of the command's.
    pub(super) fn set_helper(&mut self, helper: Pid) {
        self.family.except = vec![helper.as_raw()];
    }

    /// What a watchdog has to know.
    pub(super) const fn family(&self) -> &Family {
        &self.family
    }

    /// Notes the command's end. Says by what signal it was stopped, if it was.
    pub(super) fn note(&mut self, child: Pid, change: Change) -> Option<i32> {
        match change {
            Change::Ended(status) if child == self.command => self.ended = Some(status),
            Change::Stopped(signal) if child == self.command => return Some(signal),
            _ => {}
        }
        None
    }

    /// Sends a signal once to each process that it is for. One that has gone does not mind.
    pub(super) fn signal(&mut self, signal: Signal, reach: Reach) {
        let mut denied = match killpg(self.command, signal) {
            Err(Errno::EPERM) => true,
            Err(error) if error != Errno::ESRCH => {
                tracing::debug!(%error, %signal, "signal not sent");
                false
            }
            _ => false,
        };
        if reach == Reach::All {
            match self.living() {
                Ok(found) => denied |= found.signal(signal, Some(self.command.as_raw())),
                Err(error) => tracing::debug!(%error, "processes not found"),
            }
        }
        if denied && !std::mem::replace(&mut self.denied, true) {
            output::report(
                "a process of the command belongs to another user: it cannot be stopped by this one (run shylock as that user)",
            );
        }
    }

    /// Its processes that live.
    pub(super) fn living(&mut self) -> io::Result<Found> {
        family::find(&mut self.family, &self.mark)
    }
}

/// Whether this process has, or may get, children that are not the command's: it had some before it became this program, or
/// it is the first process of a container. To be asked before a helper is started.
pub(super) fn has_strangers() -> bool {
    let own = std::process::id();
    let is_child = |process: &table::Process| process.alive && u32::try_from(process.parent) == Ok(own);
    own == 1 || table::read().is_ok_and(|table| table.iter().any(is_child))
}
