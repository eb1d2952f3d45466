//! This program, started once more in another role.

use std::{ffi::OsStr, os::unix::process::CommandExt, process::Command};

use crate::failure::Failure;

/// The kernel's own link to this program: it leads there though the file was replaced or removed meanwhile, as by an upgrade.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// `title` is what `ps` shows. It does not begin with this program's name, since `pkill shylock` must not hit all
/// processes of a run at once.
pub(super) fn command(title: &str, role: &str) -> Command {
    let mut command = Command::new(THIS_PROGRAM);
    command.arg0(title).arg(role);
    command
}

/// The arguments of this process, if it was started in this role.
pub(super) fn arguments(role: &str) -> Option<impl Iterator<Item = std::ffi::OsString>> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next().as_deref() == Some(OsStr::new(role))).then_some(arguments)
}

/// Without `/proc` neither a helper can be started nor a command's processes be found: nobody has to wait for a lock to be
/// told so.
pub(super) fn check() -> Result<(), Failure> {
    match std::fs::metadata(THIS_PROGRAM) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::system("/proc is needed to look after a command, and cannot be used", &error)
            .with_hint("mount -t proc proc /proc")),
    }
}
