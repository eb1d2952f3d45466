//! The processes that this one is the parent of: helpers, the command, and the orphans that it leaves.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::unistd::Pid;
use rustix::process::{WaitOptions, wait};

/// What has become of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Ended(ExitStatus),
    /// By this signal.
    Stopped(i32),
}

/// The next change. Orphans that have ended are gone from the process table after that.
///
/// Only the thread that starts processes may call it: a start that fails waits for its own child.
pub(super) fn next_change() -> Option<(Pid, Change)> {
    let (pid, status) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED).ok()??;
    let status = ExitStatus::from_raw(status.as_raw());
    let change = status.stopped_signal().map_or(Change::Ended(status), Change::Stopped);
    Some((Pid::from_raw(pid.as_raw_nonzero().get()), change))
}
