//! The second process: it outlives the first, and the command outlives neither.

mod support;

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::{PROGRAM, Place, Running, eventually, runs};

/// A command that counts requests to end, and two processes in groups of their own.
const COMMAND: &str = "trap 'echo term >> got' TERM; timeout 100 sleep 77 & echo $$ > up; while :; do sleep 0.02; done";

fn start(place: &Place) -> (Running, Pid) {
    let running = place.spawn(&["run", "--ttl", "4s", "k", "--", "sh", "-c", COMMAND]);
    let command = place.pid_in("up");
    (running, command)
}

/// The processes of this program that were started by that one, but for the command.
fn helpers(of: &Running) -> Vec<Pid> {
    let program = fs::canonicalize(PROGRAM).expect("a program");
    let is_helper = |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    support::children(of.pid()).into_iter().filter(is_helper).map(Pid::from_raw).collect()
}

fn helper(of: &Running) -> Pid {
    eventually(|| helpers(of).first().copied())
}

fn assert_gone(command: Pid) {
    eventually(|| (!runs(command)).then_some(()));
}

/// As `pkill -9 -x shylock`, `pkill -9 shylock` and `pkill -9 -f shylock` do it.
#[test]
fn its_name_is_another_one() {
    let place = Place::new();
    let (mut running, command) = start(&place);
    let helper = helper(&running);
    for file in ["comm", "cmdline"] {
        let shown = fs::read(format!("/proc/{helper}/{file}")).expect("it is there");
        let shown = String::from_utf8_lossy(&shown);
        assert!(!shown.contains("shylock") && !shown.trim().is_empty(), "{shown}");
    }
    running.signal(Signal::SIGKILL);
    running.end();
    assert_gone(command);
}

#[test]
fn it_stays_when_it_is_told_to_end() {
    let place = Place::new();
    let (mut running, command) = start(&place);
    let watchdog = helper(&running);
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1] {
        kill(watchdog, signal).expect("it is there");
    }
    running.signal(Signal::SIGKILL);
    running.end();
    assert_gone(command);
}

#[test]
fn it_is_started_again() {
    let place = Place::new();
    let (mut running, command) = start(&place);
    for _ in 0..3 {
        let watchdog = helper(&running);
        kill(watchdog, Signal::SIGKILL).expect("it is there");
        eventually(|| helpers(&running).first().filter(|new| **new != watchdog).copied());
        assert!(runs(command));
    }
    running.signal(Signal::SIGKILL);
    running.end();
    assert_gone(command);
}

/// Nobody who was stopped meanwhile can do anything: the kernel kills the command.
#[test]
fn the_command_dies_with_both() {
    let place = Place::new();
    let (mut running, command) = start(&place);
    let watchdog = helper(&running);
    kill(watchdog, Signal::SIGSTOP).expect("it is there");
    running.signal(Signal::SIGSTOP);
    kill(watchdog, Signal::SIGKILL).expect("it is there");
    running.signal(Signal::SIGKILL);
    running.end();
    assert_gone(command);
}

/// It does not depend on a watchdog that was stopped, either.
#[test]
fn one_that_was_stopped_goes_on() {
    let place = Place::new();
    let (running, command) = start(&place);
    let watchdog = helper(&running);
    kill(watchdog, Signal::SIGSTOP).expect("it is there");
    let state = || fs::read_to_string(format!("/proc/{watchdog}/status")).unwrap_or_default();
    eventually(|| state().contains("State:\tS").then_some(()));
    assert!(runs(command));
}

/// What is sent to all processes of a service at once, as by systemd unless its unit says `KillMode=mixed`, reaches the
/// command once. So does what is sent to the first process alone, or, as `timeout` does it, to it and to its group.
#[test]
fn a_request_reaches_the_command_once() {
    for (what, all, times) in [("to all", true, 1), ("to the program", false, 1), ("twice to the program", false, 2)] {
        let place = Place::new();
        let (mut running, command) = start(&place);
        let watchdog = helper(&running);
        for _ in 0..times {
            running.signal(Signal::SIGTERM);
        }
        if all {
            kill(watchdog, Signal::SIGTERM).expect("it is there");
            kill(command, Signal::SIGTERM).expect("it is there");
        }
        let got = || fs::read_to_string(place.file("got")).unwrap_or_default();
        eventually(|| (!got().is_empty()).then_some(()));
        // A second one would come within this time.
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(got(), "term\n", "{what}");
        // The next request is another one.
        running.signal(Signal::SIGTERM);
        eventually(|| (got() == "term\nterm\n").then_some(()));
        running.signal(Signal::SIGKILL);
        running.end();
        assert_gone(command);
    }
}

/// As when the service manager gives up: everything is killed in whatever order.
#[test]
fn after_a_request_to_all_it_still_watches() {
    let place = Place::new();
    let (mut running, command) = start(&place);
    let watchdog = helper(&running);
    for pid in [running.pid(), watchdog, command] {
        kill(pid, Signal::SIGTERM).expect("it is there");
    }
    place.line_in("got");
    running.signal(Signal::SIGKILL);
    running.end();
    assert_gone(command);
}

/// Whatever the order in which the two find out that the lease is over.
#[test]
fn it_ends_without_an_alarm() {
    let place = Place::new();
    for round in 0..10 {
        let name = format!("k{round}");
        let up = format!("up{round}");
        let script = format!("echo > {up}; exec sleep 77");
        let mut running = place.spawn(&["run", "--ttl", "1s", &name, "--", "sh", "-c", &script]);
        place.line_in(&up);
        running.signal(Signal::SIGSTOP);
        let command = support::children(running.pid());
        eventually(|| (!command.iter().any(|pid| runs(Pid::from_raw(*pid)))).then_some(()));
        running.signal(Signal::SIGCONT);
        assert_eq!(running.code(), 75);
        let said = std::io::read_to_string(running.0.stderr.take().expect("piped")).expect("text");
        assert!(!said.contains("watch"), "{said}");
    }
}
