//! [`Gate`]: behind it the command waits, as this program started once more, until its watchdog knows of it. If this process
//! ends before, it never starts; if it ends later, the kernel kills the command.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{
            fs::{OpenOptionsExt, PermissionsExt},
            process::CommandExt,
        },
    },
    path::Path,
    process::{Command, ExitCode},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    libc::O_NONBLOCK,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{prctl, signal::Signal},
    unistd::{close, getppid, pipe2, write},
};

use super::helper;
use crate::failure::Failure;

/// The first argument of the process behind the gate. Others: its parent, the number of its end of a pipe, and the command.
const ROLE: &str = "__exec";

#[derive(Debug)]
pub(super) struct Gate {
    behind: OwnedFd,
    before: OwnedFd,
}

impl Gate {
    pub(super) fn new() -> io::Result<Self> {
        let (behind, before) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&behind, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(Self { behind, before })
    }

    /// The process that is to wait, in a process group of its own.
    pub(super) fn command(&self, command: &[OsString]) -> Command {
        let mut waiting = helper::command("lock-gate", ROLE);
        waiting.arg(std::process::id().to_string()).arg(self.behind.as_raw_fd().to_string());
        waiting.args(command).process_group(0);
        waiting
    }

    pub(super) fn open(self) -> io::Result<()> {
        write(&self.before, b"!")?;
        Ok(())
    }
}

/// Waits, and becomes the command, if that is what this process was started for.
pub(crate) fn serve() -> Option<ExitCode> {
    let mut arguments = helper::arguments(ROLE)?;
    let mut number = || arguments.next()?.to_str()?.parse::<i32>().ok();
    let (parent, end) = (number()?, number()?);
    let program = arguments.next()?;
    let waited = die_with(parent).and_then(|with_parent| Ok(with_parent && is_opened(end)?));
    let error = match waited {
        Ok(true) => Command::new(&program).args(arguments).exec(),
        Ok(false) => return Some(ExitCode::FAILURE),
        Err(error) => return Some(Failure::system("the command cannot be started", &error).report()),
    };
    Some(Failure::not_started(&program.to_string_lossy(), &error).report())
}

/// From now on the kernel kills this process when its parent ends, also after `exec` (but not that of a set-uid program).
/// `false`: it has ended already.
fn die_with(parent: i32) -> io::Result<bool> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    Ok(getppid().as_raw() == parent)
}

fn is_opened(end: i32) -> io::Result<bool> {
    // Where nobody has the other end any more, opening would wait for somebody to come.
    let mut pipe = File::options().read(true).custom_flags(O_NONBLOCK).open(format!("/proc/self/fd/{end}"))?;
    close(end)?;
    poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
    Ok(pipe.read(&mut [0])? == 1)
}

/// Whether there is such a program, as far as one can see: nobody has to wait for a lock to be told that there is none.
pub(super) fn check(program: &OsStr) -> Result<(), Failure> {
    find(program).map_err(|error| Failure::not_started(&program.to_string_lossy(), &error))
}

fn find(program: &OsStr) -> io::Result<()> {
    let named = Path::new(program);
    if program.as_encoded_bytes().contains(&b'/') {
        return look(named);
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let mut found = Err(io::ErrorKind::NotFound.into());
    for folder in std::env::split_paths(&folders) {
        match look(&folder.join(named)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            here if found.is_err() => found = here,
            _ => {}
        }
    }
    found
}

fn look(program: &Path) -> io::Result<()> {
    let found = match std::fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(io::ErrorKind::NotFound.into()),
        found => found?,
    };
    let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
    if runs { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
