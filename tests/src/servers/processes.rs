//! The processes that were started for a folder.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

use super::failure::{Result, While};

/// Marks a process, and what it starts in turn. Better than a list of process ids: the mark is
/// there from the start, and no other process can come to have it.
pub(crate) const MARK: &str = "SHYLOCK_TESTS_FOLDER";

/// Ends the processes whose mark is that folder; fails as long as there are any.
pub(crate) fn kill_those_of(folder: &Path) -> Result<()> {
    let mark = format!("{MARK}={}", folder.display());
    let marked = with_mark(|entry| entry == mark)?;
    for pid in &marked {
        match kill_process(*pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(format!("cannot kill process {pid:?}: {error}")),
        }
    }
    match marked.len() {
        0 => Ok(()),
        count => Err(format!("{count} processes to be killed")),
    }
}

/// The processes with a `variable=value` in their environment that `matches`.
pub(crate) fn with_mark(matches: impl Fn(&str) -> bool) -> Result<Vec<Pid>> {
    let processes = fs::read_dir("/proc").or_say(|| "cannot list processes".to_owned())?;
    Ok(processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| is_marked(*pid, &matches))
        .collect())
}

fn is_marked(pid: Pid, matches: impl Fn(&str) -> bool) -> bool {
    let path = format!("/proc/{}/environ", pid.as_raw_nonzero());
    // Unreadable is one that is gone since, or somebody else's.
    let environment = fs::read(path).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| str::from_utf8(entry).is_ok_and(&matches))
}
