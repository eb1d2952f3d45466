//! What a run needs of the machine.

use std::path::{Path, PathBuf};

use crate::Result;

/// Where Debian, Fedora and Arch put it.
const FAKETIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
const PROGRAMS: [&str; 4] = ["ip", "iptables", "unshare", "mount"];

/// Finds all of them.
///
/// # Errors
/// Names what is missing, and how it is installed.
pub fn check() -> Result<()> {
    let mut missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| find(program).is_none()).collect();
    missing.extend(faketime().is_err().then_some("libfaketime"));
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(format!("missing on this machine: {missing}; on Debian: apt-get install iproute2 iptables libfaketime").into())
}

/// The library that shifts a program's wall clock.
///
/// # Errors
/// It is not there.
pub fn faketime() -> Result<&'static str> {
    FAKETIME.into_iter().find(|path| Path::new(path).exists()).ok_or_else(|| "no libfaketime".into())
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
