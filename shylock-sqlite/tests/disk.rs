//! A disk that is full, and one that cannot be written.
#![cfg(target_os = "linux")]

mod support;

use std::{fs, io::Write, path::Path, process::Command, time::Duration};

use shylock_sqlite::{Error, LockManager, SqliteBackend, SqliteError};
use support::{Folder, again_under, part, played_well, run, unshare};

fn in_a_namespace(test: &str) {
    let folder = Folder::new();
    let starter = unshare(&["--mount"]);
    let mut command = again_under(&starter, test, &[folder.path().to_str().expect("a text")]);
    played_well(&command.output().expect("started"));
}

fn mount(folder: &Path, options: &str) {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
    assert!(command.status().expect("mount runs").success());
}

#[test]
fn a_full_disk_is_told_and_costs_no_lease() {
    match part() {
        Some(part) => run(fill_and_free(Path::new(&part[0]))),
        None => in_a_namespace("a_full_disk_is_told_and_costs_no_lease"),
    }
}

async fn fill_and_free(folder: &Path) {
    mount(folder, "size=1m");
    let path = folder.join("locks.db");
    let manager = LockManager::new(SqliteBackend::open(&path).await.expect("opened"));
    let held = manager.lock("held").acquire().await.expect("acquired");
    fill(&folder.join("ballast"));

    // The log has some room left that it has taken already.
    let mut granted = Vec::new();
    let error = loop {
        match manager.lock(format!("more-{}", granted.len())).try_acquire().await {
            Ok(guard) => granted.push(guard.expect("it is free")),
            Err(error) => break error,
        }
        assert!(granted.len() < 1000, "the disk is not full");
    };
    is_disk_full(error);
    is_disk_full(held.renew().await.expect_err("there is no room"));
    assert!(held.is_held(), "a renewal that failed is no loss");
    let seen = manager.inspect("held").await.expect("who looks needs no room").expect("held");
    assert_eq!(seen.token, held.token());
    let other = folder.join("other.db");
    is_disk_full(SqliteBackend::open(&other).await.map(drop).expect_err("there is no room for a new file"));
    fs::remove_file(folder.join("ballast")).expect("removed");
    drop(SqliteBackend::open(&other).await.expect("there is room"));
    fill(&folder.join("ballast"));
    is_disk_full(SqliteBackend::open(&other).await.map(drop).expect_err("there is no room for its log"));

    fs::remove_file(folder.join("ballast")).expect("removed");
    held.renew().await.expect("there is room");
    let next = manager.lock("next").acquire().await.expect("acquired");
    for guard in granted.into_iter().chain([held, next]) {
        guard.release().await.expect("released");
    }
    manager.close().await;
    let file = rusqlite::Connection::open(&path).expect("opened");
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(sound, "ok");
}

fn is_disk_full(error: Error) {
    let Error::Backend { retryable: false, source } = error else { panic!("another error: {error:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::DiskFull(_))), "{source:?}");
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut ballast = fs::File::create(path).expect("made");
    for size in [65_536, 4096, 1] {
        while ballast.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
    }
}

/// As a quota does, and as SQLite does not tell from a broken disk.
#[test]
fn a_file_that_may_not_grow_is_told_like_a_full_disk() {
    match part() {
        Some(part) => run(grow(&Path::new(&part[0]).join("locks.db"))),
        None => {
            let folder = Folder::new();
            let limited = ["sh", "-c", "trap '' XFSZ && ulimit -f 200 && exec \"$0\" \"$@\""];
            let part = [folder.path().to_str().expect("a text")];
            let mut command = again_under(&limited, "a_file_that_may_not_grow_is_told_like_a_full_disk", &part);
            played_well(&command.output().expect("started"));
        }
    }
}

async fn grow(path: &Path) {
    let manager = LockManager::new(SqliteBackend::open(path).await.expect("opened"));
    let note = "x".repeat(200);
    let mut granted = Vec::new();
    let error = loop {
        let lock = manager.lock(format!("lock-{}", granted.len())).with_note(&note);
        match lock.try_acquire().await {
            Ok(guard) => granted.push(guard.expect("it is free")),
            Err(error) => break error,
        }
        assert!(granted.len() < 10_000, "the file grows on");
    };
    is_disk_full(error);
    assert!(granted[0].is_held(), "a write that failed is no loss");
}

#[test]
fn a_file_that_cannot_be_written_is_refused() {
    match part() {
        Some(part) => run(read_only(Path::new(&part[0]))),
        None => in_a_namespace("a_file_that_cannot_be_written_is_refused"),
    }
}

async fn read_only(folder: &Path) {
    mount(folder, "size=4m");
    let path = folder.join("locks.db");
    drop(SqliteBackend::open(&path).await.expect("opened"));
    // The thread of the dropped handle lets go of the file in its own time.
    while !Command::new("mount").args(["-o", "remount,ro"]).arg(folder).status().expect("mount runs").success() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for path in [path, folder.join("new.db")] {
        let error = SqliteBackend::open(&path).await.expect_err("refused");
        assert!(matches!(error, Error::InvalidOption { option: "path", .. }), "{error}");
    }
}
