//! [`Gate`]: behind it the command waits, as this program started once more, until its watcher knows of it. If this process
//! ends before, it never starts.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
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
    unistd::{close, pipe2, write},
};

use crate::failure::Failure;

/// The first argument of the process behind the gate. Others: the number of its end of a pipe, and the command.
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

    /// The process that is to wait.
    pub(super) fn command(&self, command: &[OsString]) -> io::Result<Command> {
        let mut waiting = Command::new(std::env::current_exe()?);
        waiting.arg(ROLE).arg(self.behind.as_raw_fd().to_string()).args(command);
        Ok(waiting)
    }

    pub(super) fn open(self) -> io::Result<()> {
        write(&self.before, b"!")?;
        Ok(())
    }
}

/// Waits, and becomes the command, if that is what this process was started for.
pub(crate) fn serve() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|role| role != ROLE) {
        return None;
    }
    let end: i32 = arguments.next()?.to_str()?.parse().ok()?;
    let program = arguments.next()?;
    if !matches!(is_opened(end), Ok(true)) {
        return Some(ExitCode::FAILURE);
    }
    let error = Command::new(&program).args(arguments).exec();
    Some(Failure::not_started(&program.to_string_lossy(), &error).told())
}

fn is_opened(end: i32) -> io::Result<bool> {
    // Where nobody has the other end any more, opening would wait for somebody to come.
    let mut pipe = File::options().read(true).custom_flags(O_NONBLOCK).open(format!("/dev/fd/{end}"))?;
    close(end)?;
    poll(&mut [PollFd::new(std::os::fd::AsFd::as_fd(&pipe), PollFlags::POLLIN)], PollTimeout::NONE)?;
    Ok(pipe.read(&mut [0])? == 1)
}

/// Whether there is such a program, as far as one can see: nobody has to wait for a lock to be told that there is none.
pub(super) fn check(program: &OsStr) -> Result<(), Failure> {
    let named = Path::new(program);
    let found = if program.as_encoded_bytes().contains(&b'/') {
        look(named)
    } else {
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
    };
    found.map_err(|error: io::Error| Failure::not_started(&program.to_string_lossy(), &error))
}

fn look(program: &Path) -> io::Result<()> {
    let found = match std::fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(io::ErrorKind::NotFound.into()),
        found => found?,
    };
    let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
    if runs { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
