//! [`Family`]: which processes belong to a command. Pure.
//!
//! The process group is not enough: `timeout`, a shell with job control and each daemon make groups of their own. While
//! the supervisor lives, it is the reaper of orphans (`PR_SET_CHILD_SUBREAPER`), so everything that the command has started
//! descends from it. When it has died, orphans have gone to another parent, and only what was seen before, what descends
//! from that, and what carries the mark of the run in its environment can be found.

use std::collections::{BTreeMap, HashMap};

use super::table::Process;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) pid: i32,
    pub(crate) started: u64,
}

impl Id {
    pub(crate) const fn of(process: &Process) -> Self {
        Self { pid: process.pid, started: process.started }
    }
}

#[derive(Debug)]
pub(crate) struct Family {
    /// The process that started the command.
    pub(crate) supervisor: Id,
    /// The command. Its pid is also the id of its process group.
    pub(crate) command: Id,
    /// Helpers of the supervisor.
    pub(crate) except: Vec<i32>,
    /// Whether the supervisor may have children that are not the command's: it had some when it started, or it is the
    /// first process of a container.
    pub(crate) strangers: bool,
    /// Members that were found before.
    known: BTreeMap<i32, u64>,
}

impl Family {
    pub(crate) const fn new(supervisor: Id, command: Id, strangers: bool) -> Self {
        Self { supervisor, command, except: Vec::new(), strangers, known: BTreeMap::new() }
    }

    /// The members among these processes, also those that have ended and were not waited for. They are known from now on.
    pub(crate) fn members<'a>(
        &mut self,
        table: &'a [Process],
        is_marked: &mut dyn FnMut(i32) -> bool,
    ) -> Vec<&'a Process> {
        let by_pid: HashMap<i32, &Process> = table.iter().map(|process| (process.pid, process)).collect();
        let supervised = by_pid.get(&self.supervisor.pid).is_some_and(|p| p.alive && Id::of(p) == self.supervisor);
        let mut judged = HashMap::new();
        let search = Search { family: self, by_pid, supervised };
        let members: Vec<_> = table.iter().filter(|process| search.belongs(process, &mut judged, is_marked)).collect();
        self.known.extend(members.iter().map(|process| (process.pid, process.started)));
        members
    }

    /// Forgets those that are not among these, which are all processes.
    pub(crate) fn forget_all_but(&mut self, table: &[Process]) {
        let there: HashMap<i32, u64> = table.iter().map(|process| (process.pid, process.started)).collect();
        self.known.retain(|pid, started| there.get(pid) == Some(started));
    }
}

struct Search<'a> {
    family: &'a Family,
    by_pid: HashMap<i32, &'a Process>,
    /// Whether the supervisor lives.
    supervised: bool,
}

impl Search<'_> {
    fn belongs(
        &self,
        process: &Process,
        judged: &mut HashMap<i32, bool>,
        is_marked: &mut dyn FnMut(i32) -> bool,
    ) -> bool {
        if let Some(known) = judged.get(&process.pid) {
            return *known;
        }
        // A table that was read while processes came and went may have circles.
        judged.insert(process.pid, false);
        let belongs = self.judge(process, judged, is_marked);
        judged.insert(process.pid, belongs);
        belongs
    }

    fn judge(
        &self,
        process: &Process,
        judged: &mut HashMap<i32, bool>,
        is_marked: &mut dyn FnMut(i32) -> bool,
    ) -> bool {
        let Family { supervisor, command, except, strangers, known } = self.family;
        if except.contains(&process.pid) || (self.supervised && process.pid == supervisor.pid) {
            return false;
        }
        if known.get(&process.pid) == Some(&process.started) || process.group == command.pid {
            return true;
        }
        if process.started < command.started {
            return false;
        }
        if self.supervised && process.parent == supervisor.pid {
            return !strangers || is_marked(process.pid);
        }
        let by_parent = self.by_pid.get(&process.parent).is_some_and(|parent| self.belongs(parent, judged, is_marked));
        by_parent || (!self.supervised && is_marked(process.pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The supervisor is 10, its watchdog 11, and the command 20, which started at 100.
    fn family() -> Family {
        let mut family = Family::new(Id { pid: 10, started: 50 }, Id { pid: 20, started: 100 }, false);
        family.except.push(11);
        family
    }

    fn process(pid: i32, parent: i32, group: i32, started: u64) -> Process {
        Process { pid, parent, group, started, alive: true }
    }

    fn pids(family: &mut Family, table: &[Process], marked: &[i32]) -> Vec<i32> {
        family.members(table, &mut |pid| marked.contains(&pid)).iter().map(|process| process.pid).collect()
    }

    fn table() -> Vec<Process> {
        vec![
            process(1, 0, 1, 0),
            process(9, 1, 9, 40),
            process(10, 9, 9, 50),
            process(11, 10, 11, 99),
            process(20, 10, 20, 100),
            process(21, 20, 20, 101),
            process(22, 21, 22, 102), // `timeout` in a group of its own
            process(23, 22, 22, 103),
            process(30, 10, 30, 104), // a daemon: an orphan that the supervisor has adopted
            process(40, 9, 40, 105),  // somebody else's
        ]
    }

    #[test]
    fn descendants_in_any_group_belong_and_nobody_else() {
        assert_eq!(pids(&mut family(), &table(), &[40]), [20, 21, 22, 23, 30], "a mark counts where nobody adopts");
    }

    #[test]
    fn the_supervisors_own_children_are_told_from_the_commands() {
        let mut family = family();
        family.strangers = true;
        let mut table = table();
        table.push(process(50, 10, 50, 60)); // started before the command
        table.push(process(51, 50, 50, 106));
        assert_eq!(pids(&mut family, &table, &[30]), [20, 21, 22, 23, 30]);
        assert_eq!(pids(&mut family, &table, &[]), [20, 21, 22, 23, 30], "it was known");
    }

    #[test]
    fn after_the_supervisors_death_what_was_known_its_descendants_and_what_is_marked_are_found() {
        let mut family = family();
        pids(&mut family, &table(), &[]);
        let orphans = [
            process(1, 0, 1, 0),
            process(9, 1, 9, 40),
            process(11, 1, 11, 99),
            process(21, 1, 20, 101),
            process(23, 1, 22, 103),
            process(24, 23, 24, 110),
            process(30, 1, 30, 104),
            process(31, 1, 31, 111),
            process(40, 9, 40, 105),
        ];
        assert_eq!(pids(&mut family, &orphans, &[31]), [21, 23, 24, 30, 31]);
        let reused = [process(1, 0, 1, 0), process(30, 1, 30, 200)];
        assert_eq!(pids(&mut family, &reused, &[]), [0; 0], "another process got its number");
    }

    #[test]
    fn a_circle_ends() {
        let table = [process(60, 61, 60, 200), process(61, 60, 60, 200)];
        assert_eq!(pids(&mut family(), &table, &[]), [0; 0]);
    }
}
