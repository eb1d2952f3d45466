//! `shylock run`: statuses, environment, waiting, time limits. On the file that is used where no store is named.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::Place;

#[test]
fn the_status_is_the_commands() {
    let place = Place::new();
    let code = |arguments: &[&str]| place.outcome(arguments).0;
    assert_eq!(code(&["run", "k", "--", "sh", "-c", "exit 7"]), 7);
    assert_eq!(code(&["run", "k", "true"]), 0);
    assert_eq!(code(&["run", "k", "--", "sh", "-c", "kill -9 $$"]), 128 + 9);
    assert!(place.file(".local/state/shylock/locks.sqlite").exists(), "the default store");

    let (code, _, stderr) = place.outcome(&["run", "k", "--", "no-such-program"]);
    assert_eq!(code, 127, "{stderr}");
    assert!(stderr.starts_with("shylock: no-such-program: "), "{stderr}");
    assert_eq!(place.outcome(&["run", "k", "--", "/"]).0, 126);
    assert_eq!(place.outcome(&["show", "k"]).0, 1, "released, also where the command did not start");
}

#[test]
fn what_is_wrong_is_told_before_anything_is_done() {
    let place = Place::new();
    for (arguments, told) in [
        (&["run", "k"][..], "COMMAND"),
        (&["run", "--ttl", "soon", "k", "touch", "done"], "write it as 30s"),
        (&["run", "--ttl", "500ms", "k", "touch", "done"], "between 1 s and 24 h"),
        (&["run", "--at-least", "25h", "k", "touch", "done"], "24 hours at most"),
        (&["run", "", "touch", "done"], "invalid lock name"),
        (&["--store", "redis://u:hidden@h", "run", "k", "touch", "done"], "it must begin with sqlite:"),
    ] {
        let (code, _, stderr) = place.outcome(arguments);
        assert_eq!(code, 64, "{arguments:?}: {stderr}");
        assert!(stderr.contains(told) && !stderr.contains("hidden"), "{arguments:?}: {stderr}");
    }
    for store in ["", "redis://x"] {
        assert_eq!(Place::on(store).outcome(&["run", "k", "touch", "done"]).0, 64, "not on the user's own file");
    }
    let (code, _, stderr) = Place::on("sqlite:/proc/nowhere/x").outcome(&["run", "k", "touch", "done"]);
    assert!(matches!(code, 64 | 69) && stderr.contains("/proc"), "{code}: {stderr}");
    assert!(!place.file("done").exists());
}

#[test]
fn the_command_knows_the_lock_and_its_token() {
    let place = Place::new();
    let echo = || place.outcome(&["run", "a b", "--", "sh", "-c", "echo $SHYLOCK_NAME; echo $SHYLOCK_TOKEN"]).1;
    let (first, second) = (echo(), echo());
    let token = |text: &str| text.strip_prefix("a b\n").expect("its name").trim().parse::<u64>().expect("a token");
    assert!(token(&first) < token(&second));
}

#[test]
fn one_waits_or_not_as_it_is_told() {
    let place = Place::new();
    let mut holder =
        place.spawn(&["run", "--note", "the nightly import", "k", "--", "sh", "-c", "echo $$ > held; sleep 100"]);
    place.line_in("held");

    assert_eq!(place.outcome(&["run", "-n", "k", "true"]), (1, String::new(), String::new()), "a script asked for it");
    assert_eq!(place.outcome(&["run", "-w", "0", "-E", "42", "k", "true"]).0, 42);
    let since = Instant::now();
    assert_eq!(place.outcome(&["run", "--wait", "0.7", "--conflict-exit-code", "9", "k", "true"]).0, 9);
    assert!((Duration::from_millis(700)..Duration::from_secs(5)).contains(&since.elapsed()), "{:?}", since.elapsed());

    let mut waiter = place.spawn(&["run", "-v", "k", "touch", "in"]);
    let mut other = place.spawn(&["run", "-v", "k", "touch", "never"]);
    waiter.says("the lock is held by another");
    other.says("the lock is held by another");
    assert!(!place.file("in").exists());
    other.signal(Signal::SIGINT);
    assert_eq!(other.code(), 128 + 2, "who waits can be told to give up");
    holder.signal(Signal::SIGTERM);
    assert_eq!(holder.code(), 128 + 15);
    assert_eq!(waiter.code(), 0);
    assert!(place.file("in").exists() && !place.file("never").exists());
}

#[test]
fn a_command_that_runs_for_too_long_is_stopped() {
    let place = Place::new();
    let since = Instant::now();
    let (code, _, stderr) = place.outcome(&["run", "--at-most", "500ms", "k", "sleep", "100"]);
    assert_eq!(code, 124, "{stderr}");
    assert!(stderr.contains("--at-most"), "{stderr}");
    assert!((Duration::from_millis(500)..Duration::from_secs(5)).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert_eq!(place.outcome(&["show", "k"]).0, 1);
}

/// Also one that does not listen.
#[test]
fn a_command_that_does_not_hear_is_killed_ten_seconds_later() {
    let place = Place::new();
    let since = Instant::now();
    let script = "trap '' TERM; sleep 100 & while :; do sleep 0.1; done";
    assert_eq!(place.outcome(&["run", "--at-most", "1s", "k", "--", "sh", "-c", script]).0, 124);
    assert!((Duration::from_secs(11)..Duration::from_secs(15)).contains(&since.elapsed()), "{:?}", since.elapsed());
}

#[test]
fn the_lock_is_kept_at_least_so_long_and_no_longer() {
    let place = Place::new();
    let since = Instant::now();
    assert_eq!(place.outcome(&["run", "--ttl", "1h", "--at-least", "2s", "k", "true"]).0, 0);
    assert!(since.elapsed() < Duration::from_secs(2), "the program itself does not wait: {:?}", since.elapsed());
    assert_eq!(place.outcome(&["run", "-n", "k", "true"]).0, 1);
    assert_eq!(place.outcome(&["run", "k", "true"]).0, 0);
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&since.elapsed()), "{:?}", since.elapsed());

    // A command that takes longer than that, or less than the shortest lease remains.
    assert_eq!(place.outcome(&["run", "--at-least", "200ms", "k", "sleep", "0.3"]).0, 0);
    assert_eq!(place.outcome(&["run", "-n", "k", "true"]).0, 0);
    let since = Instant::now();
    assert_eq!(place.outcome(&["run", "--at-least", "600ms", "k", "true"]).0, 0);
    assert!(since.elapsed() >= Duration::from_millis(600), "it waits for so short a rest: {:?}", since.elapsed());
    // Nothing has run: nothing has to be kept.
    assert_eq!(place.outcome(&["run", "--at-least", "1h", "k", "no-such-program"]).0, 127);
    assert_eq!(place.outcome(&["run", "-n", "k", "true"]).0, 0);
}

#[test]
fn what_is_missing_is_said_and_no_address_is_repeated() {
    let place = Place::new();
    let (code, _, stderr) = place.outcome(&[]);
    assert!(code == 64 && stderr.contains("Usage: shylock") && !stderr.contains("belongs to --store"), "{stderr}");
    let odd = std::os::unix::ffi::OsStrExt::from_bytes(b"--od\xffd");
    let output = place.command(&[]).arg::<&std::ffi::OsStr>(odd).output().expect("it starts");
    assert_eq!(output.status.code(), Some(64), "an argument that is no text: {output:?}");
    let (code, _, stderr) = place.outcome(&["list", "--stor", "mongodb://me:hunter2@host/x"]);
    assert!(code == 64 && stderr.contains("belongs to --store") && !stderr.contains("hunter2"), "{stderr}");
}

/// Each folder would have locks of its own.
#[test]
fn a_file_must_be_the_same_from_everywhere() {
    let place = Place::on("sqlite:locks.sqlite");
    let (code, _, stderr) = place.outcome(&["run", "k", "true"]);
    assert!(code == 64 && stderr.contains("must begin with a slash"), "{stderr}");
}
