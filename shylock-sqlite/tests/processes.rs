//! Several processes on one file.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use shylock_core::conformance::{self, Lab};
use shylock_sqlite::{LockManager, SqliteBackend};
use support::{Folder, SqliteFixture, again, part, played_well, run};

const PROCESSES: u64 = 4;
const TURNS: u64 = 250;

fn start(test: &str, path: &Path) -> Vec<Child> {
    let path = path.to_str().expect("a text");
    let start = |_| {
        let mut process = again(test, &[path]);
        process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
    };
    (0..PROCESSES).map(start).collect()
}

fn all_end_well(children: Vec<Child>) {
    for child in children {
        played_well(&child.wait_with_output().expect("it ends"));
    }
}

/// Nobody is inside with another, no count is lost, and the tokens grow from turn to turn.
#[test]
fn one_process_at_a_time_is_inside() {
    if let Some(part) = part() {
        return run(take_turns(Path::new(&part[0])));
    }
    let folder = Folder::new();
    fs::write(folder.path().join("count"), "0 0").expect("written");
    all_end_well(start("one_process_at_a_time_is_inside", &folder.locks()));
    let (count, _) = count(&folder.path().join("count"));
    assert_eq!(count, PROCESSES * TURNS);
}

async fn take_turns(path: &Path) {
    let manager = LockManager::new(SqliteBackend::open(path).await.expect("opened"));
    let file = |name| path.with_file_name(name);
    for _ in 0..TURNS {
        let guard = manager.lock("turn").acquire().await.expect("acquired");
        // Refused if there is one.
        fs::create_dir(file("inside")).expect("nobody else is inside");
        let (count, token) = count(&file("count"));
        assert!(guard.token().get() > token, "{} comes after {token}", guard.token());
        fs::write(file("count"), format!("{} {}", count + 1, guard.token())).expect("written");
        fs::remove_dir(file("inside")).expect("left");
        guard.release().await.expect("released");
    }
    manager.close().await;
}

fn count(path: &PathBuf) -> (u64, u64) {
    let text = fs::read_to_string(path).expect("it is there");
    let (count, token) = text.split_once(' ').expect("two numbers");
    (count.parse().expect("a number"), token.parse().expect("a number"))
}

/// All tests of the suite at once, and that in each of several processes.
#[test]
fn the_suite_passes_in_many_processes_at_once() {
    if let Some(part) = part() {
        return run(run_suite(PathBuf::from(&part[0])));
    }
    let folder = Folder::new();
    all_end_well(start("the_suite_passes_in_many_processes_at_once", &folder.locks()));
}

async fn run_suite(path: PathBuf) {
    let mut tests = tokio::task::JoinSet::new();
    for case in conformance::cases() {
        let path = path.clone();
        tests.spawn(async move {
            (case.run)(Lab::new(SqliteFixture::on(path)).await).await;
            case.name
        });
    }
    let mut passed = 0;
    while let Some(name) = tests.join_next().await {
        name.expect("it passes");
        passed += 1;
    }
    assert_eq!(passed, conformance::cases().len());
}
