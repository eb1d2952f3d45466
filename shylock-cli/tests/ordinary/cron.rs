//! Cron on several hosts: whoever is first does it, once.

use std::{
    fs, io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::unistd::geteuid;

use crate::{
    on_each_store,
    support::{PROGRAM, Place, Running, eventually, stores},
};

on_each_store!(every_tick_once);

/// A host of its own name, with a crontab and a home.
struct Host<'a> {
    name: &'a str,
    home: Place,
    store: &'a str,
}

impl Host<'_> {
    /// Runs a line of the crontab as cron does: with few variables, without a terminal, in the home.
    fn start(&self, line: &str) -> Running {
        let host = "hostname \"$0\" && exec setsid --wait \"$@\"";
        let mut command = Command::new("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--uts", "sh", "-c", host, self.name, "env", "-i", "LOGNAME=operator", "SHELL=/bin/sh"]);
        command.args(["PATH=/usr/bin:/bin", &format!("HOME={}", self.home.folder.display())]);
        command.args([&format!("SHYLOCK_STORE={}", self.store), "/bin/sh", "-c", line]);
        command.current_dir(&self.home.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().expect("unshare starts"))
    }
}

/// The exit status, and what cron would send as a letter.
fn end(mut running: Running) -> (i32, String) {
    let code = running.code();
    let stdout = running.0.stdout.take().map(io::read_to_string).expect("piped").expect("text");
    let stderr = running.0.stderr.take().map(io::read_to_string).expect("piped").expect("text");
    (code, stdout + &stderr)
}

/// Two hosts have the same line. Their clocks differ by less than `--at-least`, which is what it is for: they start at the
/// same time in even ticks, and one after the other in odd ones.
fn every_tick_once(place: &Place) {
    let store = place.store.as_deref().expect("a store");
    let [alpha, beta] = ["alpha", "beta"].map(|name| Host { name, home: Place::new(), store });
    let mut at_least = Duration::from_secs(2);
    let mut done = Vec::new();
    while done.len() < 3 {
        // The last tick is long over.
        eventually(|| (place.outcome(&["run", "--no-wait", "nightly", "true"]).0 == 0).then_some(()));
        let line = format!(
            "{PROGRAM} run --no-wait --at-least {}s nightly -- sh -c 'hostname >> {}; echo report'",
            at_least.as_secs(),
            place.file("log").display()
        );
        let since = Instant::now();
        let ends = if done.len().is_multiple_of(2) {
            [alpha.start(&line), beta.start(&line)].map(end)
        } else {
            let first = end(beta.start(&line));
            [end(alpha.start(&line)), first]
        };
        if since.elapsed() >= at_least {
            // On a machine that is so slow, the second host is late for this tick.
            at_least *= 2;
            fs::write(place.file("log"), done.concat()).expect("written");
            continue;
        }
        let worker = match ends.each_ref().map(|(code, letter)| (*code, letter.as_str())) {
            [(0, "report\n"), (1, "")] => alpha.name,
            [(1, ""), (0, "report\n")] => beta.name,
            _ => panic!("one works, and the other has nothing to report: {ends:?}"),
        };
        done.push(format!("{worker}\n"));
        assert_eq!(fs::read_to_string(place.file("log")).expect("it ran"), done.concat());
    }
    println!("{}: at least {at_least:?}", done.concat().replace('\n', " "));
}

/// 100 starts from 4 processes at a time.
fn once(place: &Place) {
    let codes: Vec<i32> = thread::scope(|scope| {
        let process = |_| {
            scope.spawn(|| {
                let start = |_| {
                    place.outcome(&["run", "-n", "--at-least", "10m", "job", "--", "sh", "-c", "echo ran >> log"]).0
                };
                (0..25).map(start).collect::<Vec<_>>()
            })
        };
        let processes: Vec<_> = (0..4).map(process).collect();
        processes.into_iter().flat_map(|process| process.join().expect("no panic")).collect()
    });
    assert_eq!(codes.len(), 100);
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 0 | 1)), "{codes:?}");
    assert_eq!(fs::read_to_string(place.file("log")).expect("it ran"), "ran\n");
}

#[test]
fn a_hundred_starts_run_it_once_on_sqlite() {
    once(&Place::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_starts_run_it_once_on_mongodb() {
    let (_server, store) = stores::mongodb().await;
    tokio::task::block_in_place(|| once(&Place::on(store)));
}
