//! The log of the file (`-wal`) and the log's index (`-shm`): what is in them alone, and what becomes of it.
#![cfg(unix)]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use shylock_sqlite::{Backend, Error, LockManager, ReleaseOutcome, RenewOutcome, Renewal, SqliteBackend, SqliteError};
use support::{Folder, acquire, again, name, part, request, run};

const TTL: Duration = Duration::from_secs(30);

fn is_replaced(error: impl Into<Error>) {
    let Error::Backend { retryable: false, source } = error.into() else { panic!("another error") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::Replaced)), "{source:?}");
}

/// Somebody took them for left-overs. Whoever opened the file then would make others, in which no lock is held.
#[tokio::test]
async fn a_log_that_was_removed_ends_all_leases_and_lets_nobody_in() {
    let cases: [&[&str]; 3] = [&["-wal"], &["-shm"], &["-wal", "-shm"]];
    let removed = cases.map(|endings| tokio::spawn(remove(endings)));
    for case in removed {
        case.await.expect("no panic");
    }
}

async fn remove(endings: &[&str]) {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    for ending in endings {
        fs::remove_file(folder.beside(ending)).expect("it was there");
    }
    let renewal = Renewal { lease: lease.clone(), ttl: TTL };
    assert_eq!(store.renew(&[renewal]).await.expect("an answer"), [RenewOutcome::NotHeld], "{endings:?}");
    is_replaced(store.try_acquire(&request(&name("y"), TTL)).await.expect_err("refused"));
    is_replaced(store.release(&[lease]).await.expect_err("refused"));

    let refused = SqliteBackend::open(folder.locks()).await.expect_err("the holder may still be at it");
    let Error::Backend { retryable: false, source } = refused else { panic!("another error: {refused:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::LogRemoved)), "{endings:?}: {source:?}");
    drop(store);
    let next = SqliteBackend::open(folder.locks()).await.expect("nobody is at it any more");
    acquire(&next, &name("z"), TTL).await;
}

/// It holds nothing, so nobody has to wait for it to end.
#[tokio::test]
async fn a_process_that_holds_nothing_lets_go_of_a_file_whose_log_was_removed() {
    let folder = Folder::new();
    let idle = SqliteBackend::open(folder.locks()).await.expect("opened");
    fs::remove_file(folder.beside("-wal")).expect("it was there");
    let next = loop {
        match SqliteBackend::open(folder.locks()).await {
            Ok(next) => break next,
            Err(error) => assert!(matches!(error, Error::Backend { .. }), "{error:?}"),
        }
    };
    acquire(&next, &name("x"), TTL).await;
    is_replaced(idle.try_acquire(&request(&name("y"), TTL)).await.expect_err("it is another log"));
}

/// SQLite would take the log of an empty file for a left-over.
#[tokio::test]
async fn a_file_that_was_emptied_ends_all_leases_and_lets_nobody_in() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    assert!(Command::new("truncate").args(["--size=0"]).arg(folder.locks()).status().expect("it runs").success());
    let refused = SqliteBackend::open(folder.locks()).await.expect_err("the holder may still be at it");
    let Error::Backend { retryable: false, source } = refused else { panic!("another error: {refused:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::Damaged(_))), "{source:?}");
    let renewal = Renewal { lease, ttl: TTL };
    assert_eq!(store.renew(&[renewal]).await.expect("an answer"), [RenewOutcome::NotHeld]);
}

/// Another process brings the log into the file, as far as it has read it; what is newer is left to this one.
#[tokio::test]
async fn a_log_that_another_process_is_at_is_tried_again() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    // The byte of the index that SQLite locks for that.
    let script = "import fcntl, sys\n\
        index = open(sys.argv[1], 'r+b')\n\
        fcntl.lockf(index, fcntl.LOCK_EX, 1, 121)\n\
        print(flush=True)\n\
        sys.stdin.readline()";
    let mut other = Command::new("python3");
    other.args(["-c", script]).arg(folder.beside("-shm")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut other = other.spawn().expect("python3 is there");
    let stdout = other.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut String::new()).expect("it has the lock");
    acquire(&store, &name("x"), TTL).await;
    store.flush().await.expect("it is where it was");
    assert!(!is_in_the_file(&folder), "nothing was copied");
    drop(other.stdin.take());
    other.wait().expect("it ends");
    store.flush().await.expect("done");
    assert!(is_in_the_file(&folder), "what was not copied then is copied now");
}

/// Whether the file itself has a lock, without its log.
fn is_in_the_file(folder: &Folder) -> bool {
    let copy = folder.path().join("copy");
    for ending in ["", "-wal", "-shm"] {
        drop(fs::remove_file(folder.path().join(format!("copy{ending}"))));
    }
    // Another process: closing the file here would drop the store's locks on it.
    assert!(Command::new("cp").args([&folder.locks(), &copy]).status().expect("cp runs").success());
    let copy = rusqlite::Connection::open(&copy).expect("opened");
    let found = copy.query_row("SELECT count(*) FROM shylock_locks", [], |row| row.get::<_, i64>(0));
    found.is_ok_and(|found| found > 0)
}

/// The record that is to outlive its process is in the file then, whoever removes the log.
#[test]
fn an_orderly_end_leaves_nothing_in_the_log_alone() {
    if let Some(part) = part() {
        run(leave_a_lease(Path::new(&part[0]), part[1] == "closed"));
        // The runtime has ended, and with it all that had a handle.
        std::process::exit(7);
    }
    for how in ["closed", "dropped"] {
        let folder = Folder::new();
        let path = folder.locks();
        let part = [path.to_str().expect("a text"), how];
        let mut process = again("an_orderly_end_leaves_nothing_in_the_log_alone", &part);
        assert_eq!(process.status().expect("started").code(), Some(7), "{how}");
        drop(fs::remove_file(folder.beside("-wal")));
        drop(fs::remove_file(folder.beside("-shm")));
        let left = run(async {
            let store = SqliteBackend::open(&path).await.expect("opened");
            store.inspect(&name("left")).await.expect("the store answers")
        });
        assert!(left.is_some(), "{how}: another process would get the lock");
    }
}

/// Ends this process with a lease that lasts.
async fn leave_a_lease(path: &Path, closes: bool) {
    let store = SqliteBackend::open(path).await.expect("opened");
    let manager = LockManager::new(store.clone());
    let guard = manager.lock("left").with_ttl(TTL).acquire().await.expect("acquired");
    drop(guard.detach());
    if closes {
        manager.close().await;
        std::process::exit(7);
    }
}

/// A process that is killed some time later leaves a log behind that others may remove.
#[tokio::test]
async fn what_is_in_the_log_is_in_the_file_soon_after() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    while !is_in_the_file(&folder) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.release(&[lease]).await.expect("the store answers"), [ReleaseOutcome::Released]);
}

/// Who opens a file that is there has nothing to write.
#[tokio::test]
async fn a_process_that_writes_keeps_nobody_from_opening() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    let writer = rusqlite::Connection::open(folder.locks()).expect("opened");
    writer.execute_batch("BEGIN IMMEDIATE").expect("it writes");
    let next = SqliteBackend::open(folder.locks()).await.expect("opened");
    let seen = next.inspect(&lease.name).await.expect("who looks waits for nobody").expect("held");
    assert_eq!(seen.token, lease.token);
    drop(writer);
}
