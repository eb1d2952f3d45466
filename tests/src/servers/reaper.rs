//! The reaper: a process that outlives the test process and removes what that leaves behind.

use std::{collections::HashSet, io};

use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use super::{failure::Result, removal::Thing, report};

/// The work of the program `reaper`: reads `know THING` and `remove THING` on stdin, and removes
/// everything it still knows of when stdin ends, that is with the test process.
///
/// # Panics
///
/// Where the operating system has no threads or signals left.
pub fn reap() {
    let runtime = Runtime::new().expect("threads for the reaper");
    let _context = runtime.enter();
    ignore_signals();
    let mut known = HashSet::new();
    let mut removals = JoinSet::new();
    for line in io::stdin().lines().map_while(io::Result::ok) {
        match understand(&line) {
            Ok(Order::Know(thing)) => {
                known.insert(thing);
            }
            Ok(Order::Remove(thing)) => {
                known.remove(&thing);
                removals.spawn(async move { thing.remove().await });
            }
            Err(failure) => report::line(&format!("reaper: {failure}")),
        }
    }
    for thing in known {
        removals.spawn(async move { thing.remove_orphan().await });
    }
    for failure in runtime.block_on(removals.join_all()).into_iter().filter_map(Result::err) {
        report::line(&format!("left behind: {failure}"));
    }
}

enum Order {
    Know(Thing),
    Remove(Thing),
}

fn understand(line: &str) -> Result<Order> {
    match line.split_once(' ') {
        Some(("know", thing)) => Ok(Order::Know(thing.parse()?)),
        Some(("remove", thing)) => Ok(Order::Remove(thing.parse()?)),
        _ => Err(format!("no order: {line}")),
    }
}

/// Those that end a whole job: the end of stdin is what this process waits for.
fn ignore_signals() {
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()] {
        // Once there is a listener, the default action does not come back.
        let _listener = signal(kind).expect("signals can be handled");
    }
}
