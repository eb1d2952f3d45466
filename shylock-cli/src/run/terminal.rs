//! [`Terminal`]: whose keys are read, ours or the command's. A command that is not in the terminal's foreground is stopped
//! as soon as it reads a password.

use std::{
    fs::File,
    io::{IsTerminal, stdin, stdout},
};

use nix::{
    sys::signal::{SigSet, Signal, raise},
    unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp},
};

#[derive(Debug)]
pub(super) struct Terminal {
    device: File,
    ours: Pid,
}

impl Terminal {
    /// The terminal, if this process is what its user looks at: its own group is in the foreground, and not a part of a
    /// pipeline, whose other parts may want the keys.
    pub(super) fn of_this_job() -> Option<Self> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return None;
        }
        let device = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let ours = getpgrp();
        (tcgetpgrp(&device) == Ok(ours)).then_some(Self { device, ours })
    }

    pub(super) fn give_to(&self, group: Pid) {
        self.set(group);
        // In case that it wanted to read before.
        let _gone = nix::sys::signal::killpg(group, Signal::SIGCONT);
    }

    pub(super) fn take_back(&self) {
        self.set(self.ours);
    }

    /// Without this signal's mask, the kernel stops who does this in the background.
    fn set(&self, group: Pid) {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGTTOU);
        let blocked = mask.thread_block();
        if let Err(error) = tcsetpgrp(&self.device, group) {
            tracing::debug!(%error, "the terminal was not handed over");
        }
        if blocked.is_ok() {
            let _same = mask.thread_unblock();
        }
    }
}

/// Stops this process until somebody lets it go on.
pub(super) fn stop_this_process() {
    let _impossible = raise(Signal::SIGSTOP);
}
