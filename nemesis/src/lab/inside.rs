//! Getting inside: this program once more, in namespaces of its own.

use std::{
    env,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use crate::Result;

const MARK: &str = "SHYLOCK_NEMESIS_INSIDE";

/// Whether this process is inside.
#[must_use]
pub fn is_inside() -> bool {
    env::var_os(MARK).is_some()
}

/// Runs this program with these arguments inside, to its end. Whoever is killed outside takes all of the inside along.
///
/// # Errors
/// The namespaces cannot be made.
pub fn enter(arguments: &[String], environment: &[(&str, PathBuf)]) -> Result<ExitStatus> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg(env::current_exe()?).args(arguments).env(MARK, "1").envs(environment.iter().cloned());
    Ok(command.process_group(0).status()?)
}

/// Makes the folder in which `ip netns` keeps its names one of our own.
///
/// # Errors
/// It cannot be mounted.
pub fn furnish() -> Result<()> {
    super::net::sh("mount", &["-t", "tmpfs", "tmpfs", "/run"])?;
    if !Path::new("/run/netns").exists() {
        std::fs::create_dir_all("/run/netns")?;
    }
    Ok(())
}
