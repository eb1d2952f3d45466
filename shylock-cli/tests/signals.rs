//! Signals to `shylock run`: all of the command hears of them, and is waited for.

mod support;

use std::{fs, os::unix::process::ExitStatusExt, thread, time::Duration};

use nix::{sys::signal::Signal, unistd::Pid};
use support::{PROGRAM, Place, Running, eventually, is_alive};

#[test]
fn signals_are_passed_on_to_the_whole_group() {
    let place = Place::new();
    let script = "trap 'echo usr1 >> got' USR1; trap 'echo term >> got; exit 3' TERM
        sh -c 'trap \"\" USR1; trap \"echo child >> got; exit\" TERM; echo > ready; while :; do sleep 0.05; done' &
        while :; do sleep 0.05; done";
    let mut running = place.spawn(&["run", "k", "--", "sh", "-c", script]);
    place.line_in("ready");
    running.signal(Signal::SIGUSR1);
    eventually(|| fs::read_to_string(place.file("got")).ok().filter(|got| got.contains("usr1")));
    running.signal(Signal::SIGTERM);
    assert_eq!(running.code(), 3);
    eventually(|| {
        fs::read_to_string(place.file("got")).ok().filter(|got| got.contains("term") && got.contains("child"))
    });
}

/// The shell in front is gone at once; the lock is held until those behind it are.
#[test]
fn who_tidies_up_is_waited_for() {
    let place = Place::new();
    let script =
        "sh -c 'trap \"sleep 0.5; echo > tidied; exit\" TERM; echo > ready; while :; do sleep 0.05; done' & wait";
    for arguments in [&["run", "k"][..], &["run", "--at-most", "1s", "k"]] {
        let mut running = place.spawn(&[arguments, &["--", "sh", "-c", script]].concat());
        place.line_in("ready");
        if arguments.len() == 2 {
            running.signal(Signal::SIGTERM);
        }
        assert!(matches!(running.code(), 143 | 124));
        fs::remove_file(place.file("tidied")).expect("it had tidied up by then");
        fs::remove_file(place.file("ready")).expect("there");
    }
}

/// As under `nohup`.
#[test]
fn what_is_ignored_stays_ignored() {
    let place = Place::new();
    let script = format!("trap '' HUP; exec {PROGRAM} run k -- sh -c 'echo > up; sleep 0.3; echo > survived'");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(&place.folder).env("HOME", &place.folder).env_remove("SHYLOCK_STORE");
    let mut running = Running(shell.spawn().expect("it starts"));
    place.line_in("up");
    running.signal(Signal::SIGHUP);
    assert_eq!(running.code(), 0);
    place.line_in("survived");
}

#[test]
fn a_dead_program_leaves_no_command_behind() {
    let place = Place::new();
    let script = "trap '' TERM; sleep 100 & echo $$ > group; sleep 100";
    let mut running = place.spawn(&["run", "k", "--", "sh", "-c", script]);
    let group = place.pid_in("group");
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end().signal(), Some(9));
    eventually(|| (!support::is_alive(group)).then_some(()));
}

/// At whatever moment it dies: the command starts only when somebody watches it.
#[test]
fn a_program_that_dies_at_its_start_leaves_no_command_behind() {
    for delay in 0..40 {
        let place = Place::new();
        let mut running = place.spawn(&["run", "k", "--", "sh", "-c", "echo $$ > group; sleep 100"]);
        thread::sleep(Duration::from_millis(delay));
        running.signal(Signal::SIGKILL);
        running.end();
        // One that started has written its number by then, or will not have the time to.
        thread::sleep(Duration::from_millis(60));
        let written = fs::read_to_string(place.file("group")).unwrap_or_default();
        if let Some(group) = written.strip_suffix('\n') {
            let group = Pid::from_raw(group.parse().expect("a process id"));
            eventually(|| (!is_alive(group)).then_some(()));
        }
    }
}
