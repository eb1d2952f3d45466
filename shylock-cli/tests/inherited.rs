//! What this program inherits from whoever starts it: signals, limits, folders, and the state of a terminal.

mod support;

use std::{fs, os::unix::process::CommandExt, process::Command};

use nix::{sys::signal::Signal, unistd::geteuid};
use support::{
    PROGRAM, Place,
    at_terminal::{
        Step::{Expect, Send},
        as_first_process, at_a_terminal,
    },
    eventually, runs,
};

/// Otherwise the kernel throws the statuses of children away.
#[test]
fn ignored_ends_of_children() {
    let place = Place::new();
    let script = "sleep 77 & echo $! > background; exit 7";
    let mut running =
        place.spawn_other("env", &["--ignore-signal=CHLD", PROGRAM, "run", "k", "--", "sh", "-c", script]);
    assert_eq!(running.code(), 7);
    let background = place.pid_in("background");
    assert!(runs(background), "it ended by itself, and may leave something");
    nix::sys::signal::kill(background, Signal::SIGKILL).expect("it is there");
}

#[test]
fn blocked_signals() {
    let place = Place::new();
    let command = ["run", "k", "--", "sh", "-c", "echo > up; exec sleep 77"];
    let mut running = place.spawn_other("env", &[&["--block-signal", PROGRAM][..], &command].concat());
    place.line_in("up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.code(), 128 + 15);
}

#[test]
fn few_threads_and_few_files() {
    for limit in
        ["--nofile=4", "--nofile=6", "--nofile=7", "--nofile=12", "--nofile=20", "--nproc=1", "--nproc=2", "--nproc=5"]
    {
        let place = Place::on("sqlite:/tmp/never-opened/locks.sqlite");
        let mut command = Command::new("prlimit");
        command.arg(limit).args([PROGRAM, "run", "k", "true"]).current_dir(&place.folder);
        if limit.starts_with("--nproc") && geteuid().is_root() {
            // Root may have as many as it likes. No other process has this user.
            command.uid(61_234);
        }
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(71), "{limit}: {said}");
        assert!(said.contains("may not") && said.contains("ulimit"), "{limit}: {said}");
    }
}

/// `sudo -E` and `su -m` leave the user's home in place.
#[test]
fn the_home_of_another_user() {
    let place = Place::new();
    let home = place.file("home");
    fs::create_dir(&home).expect("a folder");
    // Where this is not root, the root of a user namespace stands in: / is not his there.
    let (program, home) = if geteuid().is_root() {
        std::os::unix::fs::chown(&home, Some(65_534), Some(65_534)).expect("it is root's");
        (vec![PROGRAM], home)
    } else {
        (vec!["unshare", "--user", "--map-root-user", PROGRAM], "/".into())
    };
    let outcome = || {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(["run", "k", "true"]).env("HOME", &home);
        command.env_remove("XDG_STATE_HOME").env_remove("SHYLOCK_STORE").output().expect("it starts")
    };
    let output = outcome();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && said.contains("65534") && said.contains("--store"), "{said}");
    assert_eq!(
        fs::read_dir(&home).map(|mut entries| entries.any(|e| e.is_ok_and(|e| e.file_name() == ".local"))).ok(),
        Some(false)
    );
}

/// What a user has made, root uses, too, and leaves it to the user.
#[test]
fn the_file_of_another_user() {
    let place = Place::new();
    let owner = if geteuid().is_root() { 65_534 } else { geteuid().as_raw() };
    assert_eq!(place.outcome(&["run", "k", "true"]).0, 0);
    let owned = Command::new("chown").args(["-R", &owner.to_string()]).arg(&place.folder).status().expect("it starts");
    assert!(owned.success());
    assert_eq!(place.outcome(&["run", "k", "true"]).0, 0);
    let folder = fs::read_dir(place.file(".local/state/shylock")).expect("a folder");
    for entry in folder.map(|entry| entry.expect("an entry")) {
        let found = std::os::unix::fs::MetadataExt::uid(&entry.metadata().expect("it is there"));
        assert_eq!(found, owner, "{:?}", entry.path());
    }
}

/// An upgrade replaces the program while one of it waits.
#[test]
fn a_program_that_was_replaced() {
    let place = Place::new();
    let mut holder = place.spawn(&["run", "k", "--", "sh", "-c", "echo > held; exec sleep 77"]);
    place.line_in("held");
    for replace in [true, false] {
        let program = place.file("shylock");
        fs::copy(PROGRAM, &program).expect("copied");
        let arguments = ["-v", "run", "k", "--", "sh", "-c", "exit 7"];
        let mut waiter = place.spawn_other(program.to_str().expect("text"), &arguments);
        waiter.says("the lock is held by another");
        fs::remove_file(&program).expect("it is there");
        if replace {
            fs::write(&program, "another version").expect("written");
        }
        holder.signal(Signal::SIGTERM);
        holder.end();
        assert_eq!(waiter.code(), 7);
        holder = place.spawn(&["run", "k", "--", "sh", "-c", "echo > held; exec sleep 77"]);
        drop(fs::remove_file(&program));
        eventually(|| (place.outcome(&["show", "k"]).0 == 0).then_some(()));
    }
}

/// Runs it where these commands of a shell, which is root of a namespace, have changed what is mounted.
fn with_mounts(place: &Place, mounts: &str, command: &str) -> (i32, String) {
    let script = format!("{mounts} && exec {PROGRAM} run k -- {command}");
    let mut words = vec!["--mount"];
    if !geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend(["sh", "-c", &script]);
    let mut running = place.spawn_other("unshare", &words);
    let code = running.code();
    (code, std::io::read_to_string(running.0.stderr.take().expect("piped")).expect("text"))
}

/// As in a small `chroot`.
#[test]
fn folders_that_are_missing() {
    let place = Place::new();
    let no_dev = "touch null && mount --bind /dev/null null && mount -t tmpfs none /dev && touch /dev/null \
        && mount --bind null /dev/null";
    let (code, said) = with_mounts(&place, no_dev, "sh -c 'test ! -e /dev/fd && exit 7'");
    assert_eq!(code, 7, "{said}");
    // systemd's `ProcSubset=pid` leaves no more than that.
    let (code, said) = with_mounts(&place, "mount -t tmpfs none /proc/sys", "touch done");
    assert!(code == 69 && said.contains("/proc/sys/kernel/random/boot_id"), "{code}: {said}");
    let (code, said) = with_mounts(&place, "mount -t tmpfs none /proc", "touch done");
    assert!(code == 71 && said.contains("/proc is needed"), "{code}: {said}");
    assert!(!place.file("done").exists());
}

/// A message of this program's, which is in the background while its command has the terminal, does not stop it.
#[test]
fn a_terminal_that_stops_background_output() {
    let place = Place::new();
    let steps = [
        Expect("ready>"),
        Send("stty tostop; $PROGRAM -v run --ttl 2s --at-most 1s k -- sh -c 'trap \"\" TERM; sleep 4; echo do''ne'\n"),
        Expect("done"),
        Expect("ready>"),
        Send("exit 5\n"),
    ];
    let script = format!("PS1='ready>' PROGRAM={PROGRAM} exec bash --norc --noprofile -i");
    let (code, shown) = at_a_terminal(&place, &["/bin/bash", "-c", &script], &steps);
    assert_eq!(code, 5, "{shown}");
    assert!(!shown.contains("Stopped"), "{shown}");
}

/// The shell has taken its terminal back when this program was stopped, and keeps it.
#[test]
fn a_terminal_that_is_the_shells_by_now() {
    let place = Place::new();
    let steps = [
        Expect("ready>"),
        Send(
            "$PROGRAM run --ttl 1s k -- sh -c 'echo $$ > command; echo $PPID > program; kill -STOP $PPID; sleep 77'\n",
        ),
        Expect("Stopped"),
        // The watchdog kills the command. Its status is not asked for, as its parent is stopped.
        Send("until grep -q '^State:.Z' /proc/$(cat command)/status; do sleep 0.1; done; echo kil''led\n"),
        Expect("killed"),
        Send("kill -CONT $(cat program)\n"),
        Expect("lost"),
        Send("echo al''ive; exit 5\n"),
        Expect("alive"),
    ];
    let script = format!("PS1='ready>' PROGRAM={PROGRAM} exec bash --norc --noprofile -i");
    let (code, shown) = at_a_terminal(&place, &["/bin/bash", "-c", &script], &steps);
    assert_eq!(code, 5, "{shown}");
}

/// No signal ends the first process of a container, but its status says what ended the command.
#[test]
fn keys_in_a_container() {
    for (key, signal) in [("\u{1c}", 3), ("\u{3}", 2)] {
        let place = Place::new();
        let program = format!("{PROGRAM} run k -- sh -c 'echo up; exec sleep 77'");
        let (code, shown) = as_first_process(&place, &program, &[Expect("up"), Send(key)]);
        assert_eq!(code, 128 + signal, "{shown}");
    }
}

/// The first process of a container gets all orphans.
#[test]
fn orphans_in_a_container_are_waited_for() {
    let place = Place::new();
    let script = "for i in $(seq 100); do (true & ); done
        until ! grep -qs \"^State:.Z\" /proc/[0-9]*/status; do sleep 0.05; done; echo cl\"\"ean";
    let program = format!("{PROGRAM} run k -- sh -c '{script}'");
    let (code, shown) = as_first_process(&place, &program, &[Expect("clean")]);
    assert_eq!(code, 0, "{shown}");
}
