//! All processes of a command end with its lock, whatever process group they are in.

mod support;

use std::{thread, time::Duration};

use nix::sys::signal::Signal;
use shylock_tests::Stopwatch;
use support::{Place, Running, eventually, runs};

/// Commands whose work is done in another process group, session, or under another parent. Each writes the number of
/// that process to `worker`.
const COMMANDS: [(&str, &str); 6] = [
    ("a group of its own, as of `timeout`", "timeout 100 sh -c 'echo $$ > worker; exec sleep 77'; echo done"),
    ("job control", "exec bash -c 'set -m; sh -c \"echo \\$\\$ > worker; exec sleep 77\" & wait'"),
    ("a session", "setsid sh -c 'echo $$ > worker; exec sleep 77' & wait"),
    ("an orphan", "(setsid sh -c 'echo $$ > worker; exec sleep 77' &); sleep 78"),
    ("an orphan without an environment", "(env -i setsid sh -c 'echo $$ > worker; exec sleep 77' &); sleep 78"),
    (
        "a name that is no text",
        "ln -s $(command -v sleep) $(printf 'x\\377'); (setsid sh -c 'echo $$ > worker; exec ./x* 77' &); sleep 78",
    ),
];

fn start(place: &Place, arguments: &[&str], script: &str) -> Running {
    place.spawn(&[&["run"], arguments, &["k", "--", "sh", "-c", script]].concat())
}

/// The next holder finds nobody at work.
fn assert_alone(place: &Place, running: &mut Running, what: &str) {
    let worker = place.pid_in("worker");
    let look = format!("! grep -q '^State:.[RSDT]' /proc/{worker}/status 2>/dev/null");
    let (code, ..) = place.outcome(&["run", "k", "--", "sh", "-c", &look]);
    let both = runs(worker);
    let _gone = nix::sys::signal::kill(worker, Signal::SIGKILL);
    assert!(code == 0 && !both, "{what}: the worker goes on beside the next holder");
    running.end();
}

#[test]
fn when_the_program_is_told_to_end() {
    for (what, script) in COMMANDS {
        let place = Place::new();
        let mut running = start(&place, &[], script);
        assert!(runs(place.pid_in("worker")), "{what}");
        running.signal(Signal::SIGTERM);
        assert_alone(&place, &mut running, what);
        assert_eq!(running.code(), 128 + 15, "{what}");
    }
}

#[test]
fn when_the_program_is_killed() {
    let killed = |what: &str, script: &str| {
        let place = Place::new();
        let mut running = start(&place, &["--ttl", "4s"], script);
        let worker = place.pid_in("worker");
        if script.contains("env -i") {
            // Nothing shows when the watchdog has seen it; it looks twice a second, or with a hundredth of the time.
            thread::sleep(Duration::from_secs(3));
        }
        running.signal(Signal::SIGKILL);
        let watch = Stopwatch::start();
        eventually(|| (!runs(worker)).then_some(()));
        assert!(watch.took() < Duration::from_millis(2_500), "{what}: nearly after its lease: {:?}", watch.took());
        assert_alone(&place, &mut running, what);
    };
    thread::scope(|scope| {
        for (what, script) in COMMANDS {
            scope.spawn(move || killed(what, script));
        }
    });
}

#[test]
fn when_the_lock_is_broken() {
    for (what, script) in COMMANDS {
        let place = Place::new();
        let mut running = start(&place, &["--ttl", "2s"], script);
        let worker = place.pid_in("worker");
        assert_eq!(place.outcome(&["break", "--yes", "k"]).0, 0);
        assert_eq!(running.code(), 75, "{what}");
        assert!(!runs(worker), "{what}");
    }
}

#[test]
fn when_it_ran_for_too_long() {
    for (what, script) in COMMANDS {
        let place = Place::new();
        let mut running = start(&place, &["--at-most", "1s"], script);
        let worker = place.pid_in("worker");
        assert_eq!(running.code(), 124, "{what}");
        assert!(!runs(worker), "{what}");
    }
}

/// The shell in front was killed by somebody else, such as the kernel where memory is short.
#[test]
fn when_the_command_is_killed() {
    let place = Place::new();
    let script = "echo $$ > front; timeout 100 sh -c 'echo $$ > worker; exec sleep 77'; echo done";
    let mut running = start(&place, &[], script);
    let worker = place.pid_in("worker");
    nix::sys::signal::kill(place.pid_in("front"), Signal::SIGKILL).expect("it is there");
    assert_eq!(running.code(), 128 + 9);
    assert!(!runs(worker));
}

#[test]
fn what_is_waited_for_is_reported() {
    let place = Place::new();
    let script = "setsid sh -c 'trap \"\" TERM; echo $$ > worker; while :; do sleep 0.1; done' & wait";
    let mut running = start(&place, &[], script);
    let worker = place.pid_in("worker");
    running.signal(Signal::SIGTERM);
    running.says(&format!("waiting for what the command has left: {worker} (sh)"));
    assert_eq!(place.outcome(&["show", "k"]).0, 0, "it is held meanwhile");
    nix::sys::signal::kill(worker, Signal::SIGKILL).expect("it is there");
    assert_eq!(running.code(), 128 + 15);
}

/// Processes that beget others and end at once are always one step ahead of whoever looks at them one by one.
#[test]
fn nobody_runs_away() {
    let chain = "trap '' TERM; echo $1 >> links; [ $1 -gt 0 ] || exec sleep 77; setsid sh chain $(($1-1)) & exit 0";
    for signal in [None, Some(Signal::SIGKILL)] {
        let place = Place::new();
        std::fs::write(place.file("chain"), chain).expect("written");
        let mut running = start(&place, &["--ttl", "3s"], "sh chain 20000 & exec sleep 78");
        let links = || std::fs::read_to_string(place.file("links")).unwrap_or_default().lines().count();
        eventually(|| (links() > 50).then_some(()));
        match signal {
            None => assert_eq!(place.outcome(&["break", "--yes", "k"]).0, 0),
            Some(signal) => running.signal(signal),
        }
        running.end();
        eventually(|| {
            let before = links();
            thread::sleep(Duration::from_millis(500));
            (before == links()).then_some(())
        });
        assert!(links() < 20_000, "{signal:?}: it ran to its end");
    }
}

/// What a command leaves running when it ends by itself is its own affair.
#[test]
fn what_is_left_running_stays() {
    let place = Place::new();
    let script = "setsid sh -c 'echo $$ > worker; exec sleep 77' > daemon.log 2>&1 & while [ ! -s worker ]; do sleep 0.01; done; exit 7";
    assert_eq!(start(&place, &[], script).code(), 7);
    let worker = place.pid_in("worker");
    assert!(runs(worker), "a daemon");
    nix::sys::signal::kill(worker, Signal::SIGKILL).expect("it is there");
}

/// A shell that becomes this program hands its children over to it.
#[test]
fn children_from_before_are_none_of_the_commands() {
    let place = Place::new();
    let program = support::PROGRAM;
    let script =
        format!("sh -c 'echo $$ > before; exec sleep 79' & exec {program} run k -- sh -c 'echo > up; exec sleep 78'");
    let mut running = place.spawn_other("sh", &["-c", &script]);
    let before = place.pid_in("before");
    place.line_in("up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.code(), 128 + 15);
    assert!(runs(before));
    nix::sys::signal::kill(before, Signal::SIGKILL).expect("it is there");
}
