//! [`Terminal`]: whose keys are read, ours or the command's. A command that is not in the terminal's foreground is stopped
//! as soon as it reads a password.

use std::{
    fs::File,
    io::{IsTerminal, stderr, stdin, stdout},
    os::unix::process::CommandExt,
    process::ExitCode,
};

use nix::{
    sys::{
        prctl,
        signal::{Signal, killpg, raise},
    },
    unistd::{Pid, getpgrp, getpid, getsid, tcgetpgrp, tcsetpgrp},
};

use rustix::termios::tcgetwinsize;

use super::helper;

/// The first argument of a process that ends by the signal that the second one names.
const ROLE: &str = "__end";

#[derive(Debug)]
pub(super) struct Terminal {
    /// If there is one.
    device: Option<File>,
    ours: Pid,
    /// The group that we gave it to.
    given: Option<Pid>,
}

impl Terminal {
    pub(super) fn of_this_process() -> Self {
        let device = File::options().read(true).write(true).open("/dev/tty").ok();
        Self { device, ours: getpgrp(), given: None }
    }

    /// How many characters fit into a line of the output.
    pub(super) fn width() -> u16 {
        tcgetwinsize(stderr()).map(|size| size.ws_col).ok().filter(|columns| *columns > 0).unwrap_or(80)
    }

    /// Whether the command has it from the beginning. In a pipeline the other parts may want the keys.
    pub(super) fn is_for_the_command(&self) -> bool {
        stdin().is_terminal() && stdout().is_terminal()
    }

    /// Gives it to a group, if it is ours to give: a job in the background has none.
    pub(super) fn give_to(&mut self, group: Pid) {
        self.given = self.is_ours().then_some(group);
        if self.given.is_some() {
            self.set(group);
        }
    }

    /// Takes it back, unless somebody else, such as the shell around us, has taken it meanwhile. Says whether it was given.
    pub(super) fn take_back(&mut self) -> bool {
        let given = self.given.take();
        if given.is_some() && self.foreground() == given {
            self.set(self.ours);
        }
        given.is_some()
    }

    /// Whether our group is in the foreground.
    pub(super) fn is_ours(&self) -> bool {
        self.foreground() == Some(self.ours)
    }

    fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(self.device.as_ref()?).ok()
    }

    /// Stops this process, as a job of a shell that will let it go on. Without one, nobody would.
    pub(super) fn stop_this_process(&self) {
        if self.device.is_some() && getsid(None) != Ok(getpid()) {
            let _impossible = raise(Signal::SIGSTOP);
        }
    }

    /// The kernel stops who does this in the background, unless SIGTTOU is blocked, which it is.
    fn set(&self, group: Pid) {
        let Some(device) = &self.device else { return };
        if let Err(error) = tcsetpgrp(device, group) {
            tracing::debug!(%error, "the terminal was not handed over");
        }
    }
}

/// What the terminal would have done, had the command not had it: this process ends by the signal, and those who wait for it,
/// such as a script, get it, too. Returns where that fails.
pub(super) fn end_by(signal: Signal) {
    let _gone = killpg(getpgrp(), signal);
    // A handler can be taken away by `exec` alone, without unsafe code.
    drop(helper::command("shylock", ROLE).arg((signal as i32).to_string()).exec());
}

/// Ends by a signal, if that is what this process was started for. The first process of a container cannot.
pub(crate) fn serve() -> Option<ExitCode> {
    let number: i32 = helper::arguments(ROLE)?.next()?.to_str()?.parse().ok()?;
    let _no_core = prctl::set_dumpable(false);
    let _survived = Signal::try_from(number).and_then(raise);
    Some(ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX)))
}
