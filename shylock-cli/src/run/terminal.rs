//! [`Terminal`]: whose keys are read, ours or the command's. A command that is not in the terminal's foreground is stopped
//! as soon as it reads a password.

use std::{
    fs::File,
    io::{IsTerminal, stdin, stdout},
    os::unix::process::CommandExt,
    process::Command,
};

use nix::{
    sys::signal::{SigSet, Signal, killpg, raise},
    unistd::{Pid, getpgrp, getpid, getsid, tcgetpgrp, tcsetpgrp},
};

#[derive(Debug)]
pub(super) struct Terminal {
    /// If there is one.
    device: Option<File>,
    ours: Pid,
    given: bool,
}

impl Terminal {
    pub(super) fn of_this_process() -> Self {
        let device = File::options().read(true).write(true).open("/dev/tty").ok();
        Self { device, ours: getpgrp(), given: false }
    }

    /// Whether the command has it from the beginning. In a pipeline the other parts may want the keys.
    pub(super) fn is_for_the_command(&self) -> bool {
        stdin().is_terminal() && stdout().is_terminal()
    }

    /// Gives it to a group, if it is ours to give: a job in the background has none.
    pub(super) fn give_to(&mut self, group: Pid) {
        self.given = self.is_ours();
        if self.given {
            self.set(group);
        }
    }

    /// Says whether it was given.
    pub(super) fn take_back(&mut self) -> bool {
        let given = std::mem::take(&mut self.given);
        if given {
            self.set(self.ours);
        }
        given
    }

    /// Whether our group is in the foreground.
    pub(super) fn is_ours(&self) -> bool {
        self.device.as_ref().is_some_and(|device| tcgetpgrp(device) == Ok(self.ours))
    }

    /// Stops this process, as a job of a shell that will let it go on. Without one, nobody would.
    pub(super) fn stop_this_process(&self) {
        if self.device.is_some() && getsid(None) != Ok(getpid()) {
            let _impossible = raise(Signal::SIGSTOP);
        }
    }

    /// The kernel stops who does this in the background, unless the signal is blocked.
    fn set(&self, group: Pid) {
        let Some(device) = &self.device else { return };
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGTTOU);
        let blocked = mask.thread_block();
        if let Err(error) = tcsetpgrp(device, group) {
            tracing::debug!(%error, "the terminal was not handed over");
        }
        if blocked.is_ok() {
            let _same = mask.thread_unblock();
        }
    }
}

/// What the terminal would have done, had the command not had it: this process ends by the signal, and those who wait for it,
/// such as a script, get it, too. Returns where that fails.
pub(super) fn end_by(signal: Signal) {
    let _gone = killpg(getpgrp(), signal);
    // A handler can be taken away by `exec` alone, without unsafe code.
    let word = signal.as_str().trim_start_matches("SIG");
    drop(Command::new("/bin/sh").arg("-c").arg(format!("kill -{word} $$")).exec());
}
