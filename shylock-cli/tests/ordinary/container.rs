//! The entry point of a container, which is the first process of a PID namespace and has no terminal.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shylock_tests::Stopwatch;

use crate::{
    on_each_store,
    support::{PROGRAM, Place, Running, children},
};

on_each_store!(two_of_a_service);

/// As images have it: some preparation, and `exec`.
const ENTRY_POINT: &str = r#"#!/bin/sh
set -eu
mkdir -p data
exec "$PROGRAM" -v run --wait 5m import -- "./$1.sh"
"#;

/// Works until it is stopped.
const ENDLESS: &str = "#!/bin/sh\necho $PPID > up\nexec sleep 77\n";

/// Leaves orphans behind, and has an exit status of its own.
const ORPHANS: &str = r#"#!/bin/sh
for i in $(seq 20); do (true &); done
until ! grep -qs '^State:.Z' /proc/[0-9]*/status; do sleep 0.05; done
exit 7
"#;

/// How long a container has before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Both have the host name of this machine, and the process number 1.
fn two_of_a_service(place: &Place) {
    for (name, text) in [("entry-point", ENTRY_POINT), ("endless", ENDLESS), ("orphans", ORPHANS)] {
        let file = place.file(&format!("{name}.sh"));
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it may run");
    }
    let mut one = start(place, "endless");
    assert_eq!(place.line_in("up"), "1", "the program is the first process");
    let mut two = start(place, "orphans");
    two.says("the lock is held by another");

    let first = children(one.pid());
    assert_eq!(first.len(), 1, "{first:?}");
    let watch = Stopwatch::start();
    kill(Pid::from_raw(first[0]), Signal::SIGTERM).expect("it is there");
    assert_eq!(one.code(), 128 + 15);
    assert!(watch.took() < GRACE / 2, "it was stopped in {:?}", watch.took());

    assert_eq!(two.code(), 7, "its turn, and the status of its command");
    assert_eq!(place.outcome(&["run", "--no-wait", "import", "--", "true"]).0, 0, "it is free at once");
}

fn start(place: &Place, work: &str) -> Running {
    let options = namespace();
    place.spawn_other(
        "unshare",
        &[&options[..], &["env", &format!("PROGRAM={PROGRAM}"), "./entry-point.sh", work]].concat(),
    )
}

/// The options with which a namespace may be made here.
///
/// # Panics
/// There are none: nothing of this can be tested then.
fn namespace() -> Vec<&'static str> {
    let pids = ["--pid", "--fork", "--mount-proc"];
    let as_user = [&["--user", "--map-root-user"][..], &pids].concat();
    let is_permitted = |options: &Vec<&str>| {
        Command::new("unshare").args(options).arg("true").output().is_ok_and(|output| output.status.success())
    };
    let found = [pids.to_vec(), as_user].into_iter().find(is_permitted);
    found.expect("this machine permits PID namespaces, neither to this user nor with a user namespace")
}
