//! Sends signals to the processes of a command, whatever group they are in.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

use super::{
    mark::Mark,
    members::Family,
    table::{self, Process},
};

/// Between two looks at processes that were killed.
pub(crate) const PASS: Duration = Duration::from_millis(5);
/// How long to look out for processes that beget others and end at once.
const MOMENT: Duration = Duration::from_millis(30);
/// How long processes may take to be stopped before they are killed as they are.
const FREEZING: Duration = Duration::from_millis(200);

/// The living members of a family, and the table in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    table: Vec<Process>,
    pub(crate) living: Vec<Process>,
}

/// Looks at all processes, and where that finds none, for a moment at those that come.
pub(crate) fn find(family: &mut Family, mark: &Mark) -> io::Result<Found> {
    let table = table::read()?;
    family.forget_all_but(&table);
    let mut found = Found::among(table, family, mark);
    let since = Instant::now();
    while found.living.is_empty() && since.elapsed() < MOMENT {
        let mut table = table::read_newest()?;
        table.extend(table::find(family.supervisor.pid));
        found = Found::among(table, family, mark);
        found.living.retain(|process| table::is_process(process.pid));
    }
    Ok(found)
}

impl Found {
    fn among(table: Vec<Process>, family: &mut Family, mark: &Mark) -> Self {
        let members = family.members(&table, &mut |pid| mark.is_on(pid));
        let living = members.into_iter().filter(|process| process.alive).cloned().collect();
        Self { table, living }
    }

    /// Sends the signal once to each of them, but for those of this group. Says whether one of them belongs to another
    /// user.
    ///
    /// A group that has only members gets it as a whole: nobody in it can fork past it.
    pub(crate) fn signal(&self, signal: Signal, but: Option<i32>) -> bool {
        let mut denied = false;
        for (group, members) in self.by_group() {
            let strangers = self.table.iter().any(|process| {
                process.alive && process.group == group && !members.iter().any(|member| member.pid == process.pid)
            });
            if but == Some(group) {
                continue;
            }
            if strangers || group <= 1 {
                for member in members {
                    denied |= send(member, signal) == Err(Errno::EPERM);
                }
            } else {
                denied |= killpg(Pid::from_raw(group), signal) == Err(Errno::EPERM);
            }
        }
        denied
    }

    fn by_group(&self) -> BTreeMap<i32, Vec<&Process>> {
        let mut groups: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
        for process in &self.living {
            groups.entry(process.group).or_default().push(process);
        }
        groups
    }
}

/// Sends a signal to this very process, and not to another that has got its number since.
fn send(process: &Process, signal: Signal) -> Result<(), Errno> {
    let handle = rustix::process::Pid::from_raw(process.pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
    let raw = rustix::process::Signal::from_named_raw(signal as i32);
    match (handle, raw) {
        (Some(Ok(handle)), Some(raw)) => match table::find(process.pid) {
            Some(now) if now.started == process.started => {
                pidfd_send_signal(handle, raw).map_err(|error| Errno::from_raw(error.raw_os_error()))
            }
            _ => Ok(()),
        },
        // Before Linux 5.3.
        _ => kill(Pid::from_raw(process.pid), signal),
    }
}

/// Kills all of a family whose supervisor may be gone, until none of it is left or `limit` is over.
///
/// They are stopped before, so that each is found by its parent, which is still there.
pub(crate) fn kill_all(family: &mut Family, mark: &Mark, limit: Duration) {
    let since = Instant::now();
    let mut stopped = Vec::new();
    while since.elapsed() < FREEZING {
        let Ok(found) = find(family, mark) else { break };
        let pids: Vec<i32> = found.living.iter().map(|process| process.pid).collect();
        if pids == stopped {
            break;
        }
        found.signal(Signal::SIGSTOP, None);
        stopped = pids;
    }
    while since.elapsed() < limit {
        match find(family, mark) {
            Ok(found) if found.living.is_empty() => return,
            Ok(found) => drop(found.signal(Signal::SIGKILL, None)),
            Err(_) => drop(killpg(Pid::from_raw(family.command.pid), Signal::SIGKILL)),
        }
        std::thread::sleep(PASS);
    }
}
