//! What a run needs of the machine.

use std::path::PathBuf;

use crate::Result;

const PROGRAMS: [&str; 5] = ["ip", "iptables", "unshare", "mount", "cc"];

/// Finds all of them.
///
/// # Errors
/// Names what is missing, and how it is installed.
pub fn check() -> Result<()> {
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(format!("missing on this machine: {missing}; on Debian: apt-get install iproute2 iptables gcc").into())
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
