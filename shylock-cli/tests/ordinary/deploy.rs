//! A deploy script with time-outs, pipes and traps. However a run of it ends, nothing of it lives on beside the next.

use std::{fs, os::unix::fs::PermissionsExt};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{PROGRAM, Place, Running, eventually, proxy::Proxy, runs, stores};

/// Notes what it does in `log`, and its processes in `pids`. Its last step takes until there is a file `go-RELEASE`.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
release=$1
build=build-$release
say() { echo "$release $*" >> log; }

for pid in $(cat pids 2> /dev/null || true); do
    ! grep -qs '^State:.[RSDT]' "/proc/$pid/status" || say "meets $(cat "/proc/$pid/comm")"
done
rm -rf build-* pids

tidy() {
    status=$?
    rm -rf "$build"
    say "tidied, status $status"
}
trap tidy EXIT
trap 'exit 143' TERM

say started
mkdir "$build"
echo $$ >> pids
seq 1000 | sort -rn | gzip > "$build/bundle"
tail -f /dev/null > "$build/progress" &
tail=$!
echo "$tail" >> pids
timeout 300 sh -c 'echo $$ >> pids; echo migrating; until [ -e "$0" ]; do sleep 0.05; done; echo migrated' "go-$release" |
    tee "$build/log" | while read -r line; do say "$line"; done
kill "$tail"
say done
"#;

/// What a release leaves in the log that was not disturbed.
const ALL: [&str; 5] = ["started", "migrating", "migrated", "done", "tidied, status 0"];

/// One release under way, and the next one, which waits for it.
struct Deploys<'a> {
    place: &'a Place,
    one: Running,
    two: Running,
    /// The processes of the first.
    pids: Vec<Pid>,
    /// Whether the second may begin before the first has ended.
    may_meet: bool,
}

impl<'a> Deploys<'a> {
    fn start(place: &'a Place) -> Self {
        Self::start_with(place, &[], "3s")
    }

    /// `before`: what stands before the program in the first command.
    fn start_with(place: &'a Place, before: &[&str], ttl: &str) -> Self {
        let script = place.file("deploy.sh");
        fs::write(&script, SCRIPT).expect("written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may run");
        let lock = lock(place);
        let run = [PROGRAM, "-v", "run", "--ttl", ttl, "--wait", "5m", &lock, "--", "./deploy.sh"];
        let command = [before, &run, &["one"]].concat();
        let one = place.spawn_other(command[0], &command[1..]);
        eventually(|| log(place).contains(&"one migrating".to_owned()).then_some(()));
        let pids = fs::read_to_string(place.file("pids")).expect("written");
        let pids: Vec<Pid> = pids.lines().map(|pid| Pid::from_raw(pid.parse().expect("a number"))).collect();
        assert_eq!(pids.iter().filter(|pid| runs(**pid)).count(), 3, "the script, its time-out, and its helper");
        let mut two = place.spawn_other(run[0], &[&run[1..], &["two"]].concat());
        two.says("the lock is held by another");
        Self { place, one, two, pids, may_meet: false }
    }

    /// The first has ended with this status, and left this in the log; then the second does its work, alone.
    fn ended(mut self, code: Option<i32>, left: &[&str]) {
        assert_eq!(self.one.end().code(), code);
        fs::write(self.place.file("go-two"), "").expect("written");
        assert_eq!(self.two.code(), 0);
        let lines = |release: &str, lines: &[&str]| lines.iter().map(|line| format!("{release} {line}")).collect();
        let expected: [Vec<String>; 2] = [lines("one", left), lines("two", &ALL)];
        let mut log = log(self.place);
        if self.may_meet {
            log.retain(|line| !line.starts_with("two meets"));
        }
        assert_eq!(log, expected.concat());
        assert!(!self.pids.iter().any(|pid| runs(*pid)));
        assert!(!self.place.file("build-one").exists(), "either has removed it");
        assert_eq!(self.place.outcome(&["show", &lock(self.place)]).0, 1, "it is free");
    }
}

/// The tests of a process share a server.
fn lock(place: &Place) -> String {
    format!("deploy-{}", place.folder.file_name().expect("a name").display())
}

fn log(place: &Place) -> Vec<String> {
    fs::read_to_string(place.file("log")).unwrap_or_default().lines().map(ToOwned::to_owned).collect()
}

mod to_its_end {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let deploys = Deploys::start(place);
        fs::write(place.file("go-one"), "").expect("written");
        deploys.ended(Some(0), &ALL);
    }
}

mod term {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let deploys = Deploys::start(place);
        deploys.one.signal(Signal::SIGTERM);
        deploys.ended(Some(128 + 15), &["started", "migrating", "tidied, status 143"]);
    }
}

/// The time of a `timeout` around all of it is over.
mod time_out {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let deploys = Deploys::start_with(place, &["timeout", "300"], "3s");
        // As the timer does it.
        deploys.one.signal(Signal::SIGALRM);
        deploys.ended(Some(124), &["started", "migrating", "tidied, status 143"]);
    }
}

/// A process that is killed cannot tidy up: the next one does.
mod kill {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let deploys = Deploys::start(place);
        deploys.one.signal(Signal::SIGKILL);
        deploys.ended(None, &["started", "migrating"]);
    }
}

mod kill_of_the_script {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let deploys = Deploys::start(place);
        super::kill(deploys.pids[0], Signal::SIGKILL).expect("it is there");
        deploys.ended(Some(128 + 9), &["started", "migrating"]);
    }
}

/// Somebody gives the lock to the next one, who begins at once. The first is killed as soon as it learns of that.
mod broken {
    use super::*;

    crate::on_each_store!(deploy);

    fn deploy(place: &Place) {
        let mut deploys = Deploys::start(place);
        let (code, _, stderr) = place.outcome(&["break", "--yes", &lock(place)]);
        assert_eq!(code, 0, "{stderr}");
        deploys.may_meet = true;
        deploys.ended(Some(75), &["started", "migrating"]);
    }
}

/// The first does not reach the store any more. It is asked to end in time, and tidies up.
mod loss {
    use super::*;

    fn deploy(place: &Place, proxy: &Proxy, store: &str) {
        let way = format!("SHYLOCK_STORE={store}");
        let deploys = Deploys::start_with(place, &["env", &way], "6s");
        proxy.fall_silent();
        deploys.ended(Some(75), &["started", "migrating", "tidied, status 143"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn on_mongodb() {
        let (server, store) = stores::mongodb().await;
        let proxy = Proxy::before(server.hosts());
        let way = format!("mongodb://{}/shylock_cli?directConnection=true", proxy.address);
        tokio::task::block_in_place(|| deploy(&Place::on(store), &proxy, &way));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn on_arangodb() {
        let (server, store) = stores::arangodb().await;
        let host = server.url().strip_prefix("http://").expect("without TLS");
        let proxy = Proxy::before(host);
        let way = store.replace(host, &proxy.address);
        tokio::task::block_in_place(|| deploy(&Place::on(store), &proxy, &way));
    }

    /// Nothing is between a program and its file, but it may be stopped.
    #[test]
    fn on_sqlite() {
        let place = Place::new();
        let mut deploys = Deploys::start(&place);
        deploys.one.signal(Signal::SIGSTOP);
        eventually(|| log(&place).contains(&"two started".to_owned()).then_some(()));
        deploys.one.signal(Signal::SIGCONT);
        assert!(matches!(deploys.one.code(), 75 | 137), "lost, or killed by the watchdog");
        let code = deploys.one.code();
        deploys.ended(Some(code), &["started", "migrating"]);
    }
}
