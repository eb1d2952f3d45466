//! At a terminal: keys, passwords, Ctrl-C, Ctrl-Z, questions and progress.

mod support;

use support::{
    PROGRAM, Place,
    at_terminal::{
        Step::{Expect, Send},
        at_a_terminal,
    },
};

/// As a password prompt does it: a command in the background would be stopped.
#[test]
fn a_command_can_read_what_is_typed() {
    let place = Place::new();
    let script = "echo ask; read x < /dev/tty; echo got $x";
    let steps = [Expect("ask"), Send("hello\n"), Expect("got hello")];
    let (code, _) = at_a_terminal(&place, &[PROGRAM, "run", "k", "--", "sh", "-c", script], &steps);
    assert_eq!(code, 0);
}

/// The next program in a script can read, too: the terminal is given back.
#[test]
fn the_terminal_is_given_back() {
    let place = Place::new();
    let script = format!("{PROGRAM} run k -- true; echo ask; read x < /dev/tty; echo got $x");
    let (code, _) =
        at_a_terminal(&place, &["/bin/sh", "-c", &script], &[Expect("ask"), Send("hi\n"), Expect("got hi")]);
    assert_eq!(code, 0);
}

#[test]
fn ctrl_c_ends_the_command() {
    let place = Place::new();
    // A child of `bash` that is not yet its program swallows the key; these are when they speak.
    for script in ["echo up; exec sleep 100", "sh -c 'echo up; exec sleep 100' | cat"] {
        let steps = [Expect("up"), Send("\u{3}")];
        assert_eq!(at_a_terminal(&place, &[PROGRAM, "run", "k", "--", "sh", "-c", script], &steps).0, 128 + 2);
        assert_eq!(place.outcome(&["show", "k"]).0, 1, "released");
    }
}

/// The shell's job control works: the command is stopped with this program, and goes on with it.
#[test]
fn ctrl_z_stops_the_job_and_fg_goes_on() {
    let place = Place::new();
    let steps = [
        Expect("ready>"),
        Send("$PROGRAM run k -- sh -c 'echo u''p; read x; echo go''t $x'\n"),
        Expect("up"),
        Send("\u{1a}"),
        Expect("Stopped"),
        Send("echo she''ll; fg\n"),
        Expect("shell"),
        Send("more\n"),
        Expect("got more"),
        Expect("ready>"),
        Send("echo status $?; exit 5\n"),
        Expect("status 0"),
    ];
    let script = format!("PS1='ready>' PROGRAM={PROGRAM} exec bash --norc --noprofile -i");
    let (code, shown) = at_a_terminal(&place, &["/bin/bash", "-c", &script], &steps);
    assert_eq!(code, 5, "{shown}");
}

/// A password is asked for at the terminal, wherever the output goes.
#[test]
fn a_command_whose_output_goes_elsewhere_can_ask() {
    let place = Place::new();
    let script =
        format!("{PROGRAM} run k -- sh -c 'echo ask > /dev/tty; read x < /dev/tty; echo got $x' > out; cat out");
    let (code, _) =
        at_a_terminal(&place, &["/bin/sh", "-c", &script], &[Expect("ask"), Send("hi\n"), Expect("got hi")]);
    assert_eq!(code, 0);
}

/// In the background it leaves the keys to the shell.
#[test]
fn bg_leaves_the_terminal_to_the_shell() {
    let place = Place::new();
    let steps = [
        Expect("ready>"),
        Send("$PROGRAM run k -- sh -c 'echo u''p; i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done; echo > done'\n"),
        Expect("up"),
        Send("\u{1a}"),
        Expect("Stopped"),
        Send("bg\n"),
        Expect("ready>"),
        Send("wait; cat done; echo al''ive; exit 5\n"),
        Expect("alive"),
    ];
    let script = format!("PS1='ready>' PROGRAM={PROGRAM} exec bash --norc --noprofile -i");
    let (code, shown) = at_a_terminal(&place, &["/bin/bash", "-c", &script], &steps);
    assert_eq!(code, 5, "{shown}");
}

/// Ctrl-C is meant for all that runs, such as a loop around this program.
#[test]
fn ctrl_c_ends_the_script_around_it() {
    let place = Place::new();
    let script = format!("{PROGRAM} run k -- sh -c 'echo up; exec sleep 100'; echo went on");
    let (code, shown) = at_a_terminal(&place, &["/bin/bash", "-c", &script], &[Expect("up"), Send("\u{3}")]);
    assert!(code == 128 + 2 && !shown.contains("went on"), "{code} {shown}");
}

#[test]
fn who_waits_sees_for_whom() {
    let place = Place::new();
    let holder = place.spawn(&["run", "--note", "the import", "k", "--", "sh", "-c", "echo > held; sleep 100"]);
    place.line_in("held");
    let by = format!("(pid {}) for ", holder.0.id());
    let (code, shown) =
        at_a_terminal(&place, &[PROGRAM, "run", "--wait", "2.5s", "k", "true"], &[Expect("waiting for k: held by")]);
    assert_eq!(code, 1);
    assert!(shown.contains(&by) && shown.contains("s: the import"), "{shown}");
    assert!(shown.contains("k is still held by"), "{shown}");
    let (code, shown) = at_a_terminal(&place, &[PROGRAM, "run", "--no-wait", "k", "true"], &[Expect("k is held by")]);
    assert!(code == 1 && shown.contains("): the import"), "{shown}");
}

#[test]
fn breaking_is_asked_about() {
    let place = Place::new();
    let _holder = place.spawn(&["run", "k", "--", "sh", "-c", "echo > held; sleep 100"]);
    place.line_in("held");
    let (code, _) =
        at_a_terminal(&place, &[PROGRAM, "break", "k"], &[Expect("[y/N]"), Send("\n"), Expect("It stays held")]);
    assert_eq!((code, place.outcome(&["show", "k"]).0), (1, 0));
    let (code, _) =
        at_a_terminal(&place, &[PROGRAM, "break", "k"], &[Expect("[y/N]"), Send("y\n"), Expect("k is free")]);
    assert_eq!((code, place.outcome(&["show", "k"]).0), (0, 1));
}
