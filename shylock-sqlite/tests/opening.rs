//! Files that can be opened, and files that cannot.

mod support;

use std::{fs, path::Path, time::Duration};

use shylock_sqlite::{Backend, Error, Failure, SqliteBackend, SqliteError};
use support::{Folder, acquire, again_under, name, part, played_well, request, run};

const TTL: Duration = Duration::from_secs(30);

async fn refusal(path: impl AsRef<Path>) -> String {
    match SqliteBackend::open(path).await {
        Err(Error::InvalidOption { option: "path", reason }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_a_file_of_locks_is_refused_with_a_reason() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name);
    assert_eq!(refusal("").await, "it names no file");
    assert!(refusal(file("none/locks.db")).await.contains("its folder has to be there"));
    assert_eq!(refusal(folder.path()).await, "it is no file");
    fs::write(file("text"), "not a database, though long enough to be one ".repeat(100)).expect("written");
    assert_eq!(refusal(file("text")).await, "the file is no SQLite database");

    let other = rusqlite::Connection::open(file("other")).expect("opened");
    other.execute_batch("CREATE TABLE things (x)").expect("made");
    assert_eq!(refusal(file("other")).await, "it is the database of another program");
    let mode: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("read");
    assert_eq!(mode, "delete", "another program's file is as it was");

    drop(SqliteBackend::open(folder.locks()).await.expect("opened"));
    fs::hard_link(folder.locks(), file("twin")).expect("linked");
    assert!(refusal(file("twin")).await.contains("a hard link"));
    fs::remove_file(file("twin")).expect("removed");
    let ours = rusqlite::Connection::open(folder.locks()).expect("opened");
    ours.pragma_update(None, "user_version", 7).expect("written");
    assert!(refusal(folder.locks()).await.contains("of version 7"));
}

#[tokio::test]
async fn options_have_bounds() {
    let short = SqliteBackend::builder().retention(Duration::from_secs(3599));
    let error = short.open("never-made").await.expect_err("refused");
    assert!(matches!(error, Error::InvalidOption { option: "retention", .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_its_owners_and_an_old_one_keeps_its_rights() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    acquire(&store, &name("x"), TTL).await;
    for file in fs::read_dir(folder.path()).expect("read") {
        let path = file.expect("a file").path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
    drop(store);
    fs::set_permissions(folder.locks(), fs::Permissions::from_mode(0o660)).expect("set");
    SqliteBackend::open(folder.locks()).await.expect("opened");
    assert_eq!(mode(&folder.locks()), 0o660);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_file_leads_to_the_same_locks() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.locks(), &link).expect("linked");
    let linked = SqliteBackend::open(&link).await.expect("opened");
    let lease = acquire(&linked, &name("x"), TTL).await;
    let seen = store.inspect(&lease.name).await.expect("the store answers").expect("held");
    assert_eq!(seen.token, lease.token);

    let nowhere = folder.path().join("nowhere");
    std::os::unix::fs::symlink(folder.path().join("none"), &nowhere).expect("linked");
    assert_eq!(refusal(&nowhere).await, "it is a link that leads to no file");
}

/// That is no fault of the path.
#[cfg(target_os = "linux")]
#[test]
fn a_process_with_too_many_files_may_try_again() {
    if part().is_some() {
        return run(open_with_too_many_files());
    }
    let starter = ["sh", "-c", "ulimit -n 64 && exec \"$0\" \"$@\""];
    let mut process = again_under(&starter, "a_process_with_too_many_files_may_try_again", &["open"]);
    played_well(&process.output().expect("started"));
}

#[cfg(target_os = "linux")]
async fn open_with_too_many_files() {
    let folder = Folder::new();
    let mut files = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        files.push(file);
    }
    // One is left for the file, and none for its log.
    files.pop();
    let error = SqliteBackend::open(folder.locks()).await.expect_err("no file can be opened");
    let Error::Backend { retryable: true, source } = error else { panic!("another error: {error:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::Other(_))), "{source:?}");
    drop(files);
    SqliteBackend::open(folder.locks()).await.expect("opened");
}

/// Who comes later would make a new file, and not see the locks in the old one.
#[tokio::test]
async fn a_file_that_was_removed_grants_nothing_any_more() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    fs::remove_file(folder.locks()).expect("removed");
    let refused = async || {
        let error = store.try_acquire(&request(&name("y"), TTL)).await.expect_err("refused");
        assert_eq!(*error.failure(), Failure::Permanent);
        let Error::Backend { source, .. } = error.into() else { panic!("another error") };
        assert!(matches!(source.downcast_ref(), Some(SqliteError::Replaced)), "{source:?}");
    };
    refused().await;
    let error = SqliteBackend::open(folder.locks()).await.expect_err("its log is in use");
    let Error::Backend { retryable: false, source } = error else { panic!("another error: {error:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::Damaged(_))), "{source:?}");
    for ending in ["-wal", "-shm"] {
        fs::remove_file(folder.beside(ending)).expect("it was there");
    }
    let next = SqliteBackend::open(folder.locks()).await.expect("a new store");
    refused().await;
    store.release(std::slice::from_ref(&lease)).await.expect_err("it is another file");
    acquire(&next, &name("x"), TTL).await;
}
