//! [`Process`]: one process of this machine, as `/proc` shows it.

use std::{fs, io};

/// How many numbers of processes to look at for the newest ones.
const NEWEST: i32 = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// When it started, in ticks since the machine did. With the pid, this names one process for ever.
    pub(crate) started: u64,
    /// Whether it still runs, or is only an exit status that nobody has asked for.
    pub(crate) alive: bool,
}

/// All processes. Those that end while this reads are left out.
pub(crate) fn read() -> io::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(find).collect())
}

/// The processes, and threads, that were started last, the newest first.
///
/// A process that begets another one and ends has gone by the time that a look at all processes gets to it; this one is
/// quick enough to meet it.
pub(crate) fn read_newest() -> io::Result<Vec<Process>> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let last = load.split_ascii_whitespace().last().and_then(|last| last.parse::<i32>().ok());
    let last = last.ok_or_else(|| io::Error::other("/proc/loadavg does not name the last process"))?;
    Ok((last.saturating_sub(NEWEST).max(1)..=last).rev().filter_map(find).collect())
}

/// The process with this id.
pub(crate) fn find(pid: i32) -> Option<Process> {
    // The name of a program need not be text.
    parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// Whether this is the number of a process. A thread has one, too, which is in no list but can be asked for.
pub(crate) fn is_process(pid: i32) -> bool {
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    leader == Some(pid)
}

/// The name of its program, for people.
pub(crate) fn name(pid: i32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

fn parse(stat: &str) -> Option<Process> {
    // `pid (name) state parent group …`, and a name may have parentheses.
    let (head, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let threads: u32 = fields.nth(14)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    // The first thread may have ended before the others.
    let alive = !matches!(state, "Z" | "X") || threads > 1;
    Some(Process { pid: head.split_once(" (")?.0.parse().ok()?, parent, group, started, alive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read() {
        let line = |state: &str, threads: u32| {
            format!("42 (a) (b c) {state} 7 41 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 {threads} 0 9876 1 2 3")
        };
        let process = Process { pid: 42, parent: 7, group: 41, started: 9876, alive: true };
        assert_eq!(parse(&line("S", 1)), Some(process.clone()));
        assert_eq!(parse(&line("Z", 2)), Some(process.clone()), "other threads go on");
        assert_eq!(parse(&line("Z", 1)), Some(Process { alive: false, ..process }));
        assert_eq!(parse("42 (x) S 7"), None);
    }

    #[test]
    fn this_process_is_found() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        let found = find(own).expect("it is there");
        assert!(found.alive);
        assert!(read().expect("proc").contains(&found));
        assert_eq!(find(0), None);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        let newest = read_newest().expect("proc");
        child.kill().and_then(|()| child.wait()).expect("it is there");
        assert!(newest.is_sorted_by(|one, next| one.pid > next.pid));
        assert!(!newest.is_empty());
        assert!(is_process(own));
        let thread = std::thread::spawn(|| is_process(nix::unistd::gettid().as_raw()));
        assert!(!thread.join().expect("no panic"));
    }
}
