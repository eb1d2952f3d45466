//! What a forked process may do with a file of locks: nothing, if the one that it was forked from had opened one.
#![cfg(target_os = "linux")]

mod support;

use std::{fs, os::unix::process::parent_id, path::Path, process::Command, time::Duration};

use shylock_sqlite::{Backend, Error, Result, SqliteBackend, SqliteError};
use support::{Folder, acquire, again, name, part, played_well, run};
use tokio::time::timeout;

const TTL: Duration = Duration::from_secs(30);

/// Preloaded: asking for the parent forks, and tells the child 0.
const FORK: &str = include_str!("../../tests/tests/scenarios/fork_shim.c");

#[test]
fn a_forked_process_opens_a_file_only_if_none_was_open_before() {
    if let Some(part) = part() {
        return fork(Path::new(&part[0]));
    }
    let folder = Folder::new();
    let (source, library) = (folder.path().join("fork.c"), folder.path().join("fork.so"));
    fs::write(&source, FORK).expect("written");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(compiled.expect("there is a C compiler").success());
    let path = folder.locks();
    let test = "a_forked_process_opens_a_file_only_if_none_was_open_before";
    let output = again(test, &[path.to_str().expect("a text")]).env("LD_PRELOAD", library).output();
    let output = output.expect("started");
    played_well(&output);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    for what in ["early child opens true", "late child is refused true, its copy true"] {
        assert!(told.contains(&format!("told {what}\n")), "{told}{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The output ends when all who may write it have ended.
fn fork(path: &Path) {
    if parent_id() == 0 {
        println!("told early child opens {}", run(SqliteBackend::open(path)).is_ok());
        std::process::exit(0);
    }
    let store = run(SqliteBackend::open(path)).expect("opened");
    let lease = run(acquire(&store, &name("x"), TTL));
    if parent_id() == 0 {
        let again = is_refused(run(SqliteBackend::open(path)));
        let asked = async { timeout(TTL, store.inspect(&lease.name)).await.expect("in time").map_err(Error::from) };
        let copied = is_refused(run(asked));
        drop(store);
        println!("told late child is refused {again}, its copy {copied}");
        std::process::exit(0);
    }
    run(store.release(std::slice::from_ref(&lease))).expect("the parent goes on");
}

fn is_refused<T>(outcome: Result<T>) -> bool {
    let Err(Error::Backend { retryable: false, source }) = outcome else { return false };
    matches!(source.downcast_ref(), Some(SqliteError::Forked))
}
