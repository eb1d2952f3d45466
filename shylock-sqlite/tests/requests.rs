//! What becomes of requests that nobody waits for, that cannot be carried out now, and of records that nobody needs.

mod support;

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use shylock_sqlite::{Attempt, Backend, Error, Failure, SqliteBackend, SqliteError, Watch};
use support::{Folder, acquire, name, request};

const TTL: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_request_is_carried_out_though_nobody_waits() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let wish = request(&name("x"), TTL);
    {
        let mut asking = store.try_acquire(&wish);
        let _ = poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx).is_ready())).await;
    }
    let seen = store.inspect(&wish.name).await.expect("the store answers").expect("held");
    assert_eq!(seen.holder, wish.holder);
}

#[tokio::test]
async fn a_writer_that_stands_still_is_told_of_and_waited_out() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("held"), TTL).await;
    let other = rusqlite::Connection::open(folder.locks()).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("it writes");
    let since = Instant::now();
    let asking: Vec<_> = (0..5)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.try_acquire(&request(&name("x"), TTL)).await })
        })
        .collect();
    for asking in asking {
        let error = asking.await.expect("it ends").expect_err("it cannot");
        assert_eq!(*error.failure(), Failure::NotApplied);
        let Error::Backend { retryable: true, source } = error.into() else { panic!("another error") };
        assert!(matches!(source.downcast_ref(), Some(SqliteError::Busy(_))), "{source:?}");
    }
    let waited = since.elapsed();
    assert!(waited > Duration::from_secs(2), "given up after {waited:?}");
    assert!(waited < Duration::from_secs(5), "one after the other, {waited:?}");
    let seen = store.inspect(&lease.name).await.expect("who looks waits for nobody").expect("held");
    assert_eq!(seen.token, lease.token);
    other.execute_batch("ROLLBACK").expect("it ends");
    acquire(&store, &name("x"), TTL).await;
}

/// By whichever handle, and though it is taken again before anybody looks.
#[tokio::test]
async fn each_release_is_told_by_name() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let other = SqliteBackend::open(folder.locks()).await.expect("opened");
    let Watch::Freed(mut names) = store.watch().await.expect("the store answers") else { panic!("no stream") };
    for lock in ["a", "b", "c"] {
        let lease = acquire(&other, &name(lock), TTL).await;
        other.release(std::slice::from_ref(&lease)).await.expect("released");
        acquire(&other, &name(lock), TTL).await;
        let told = tokio::time::timeout(Duration::from_secs(10), names.recv()).await.expect("in time");
        assert_eq!(told, Some(name(lock)));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_file() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let Watch::Freed(mut names) = store.watch().await.expect("the store answers") else { panic!("no stream") };
    std::fs::remove_file(folder.locks()).expect("removed");
    let told = tokio::time::timeout(Duration::from_secs(10), names.recv()).await.expect("in time");
    assert_eq!(told, None);
}

/// Records of locks that were idle for the retention go, a few at a time; all others stay, even if the lock was held for
/// longer than that before it came free.
#[tokio::test]
async fn idle_records_are_removed() {
    let folder = Folder::new();
    let store = SqliteBackend::builder().retention(Duration::from_secs(3600)).open(folder.locks()).await;
    let store = store.expect("opened");
    let held = acquire(&store, &name("held"), TTL).await;
    let fresh = acquire(&store, &name("fresh"), TTL).await;
    store.release(std::slice::from_ref(&fresh)).await.expect("released");
    let file = rusqlite::Connection::open(folder.locks()).expect("opened");
    file.busy_timeout(Duration::from_secs(10)).expect("set");
    file.execute_batch(
        "PRAGMA ignore_check_constraints = ON;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
         INSERT INTO shylock_locks (name, token, holder, acquired, ends)
            SELECT 'idle-' || n, 1, zeroblob(16), 1, 0 FROM n;
         INSERT INTO shylock_locks (name, token, holder, acquired, ends, freed)
            SELECT 'held-long', 1, zeroblob(16), 1, 0, freed + 1 FROM shylock_locks WHERE name = 'fresh';
         INSERT INTO shylock_locks (name, token, holder, acquired, ends) VALUES ('corrupt', 0, zeroblob(16), 1, 0);",
    )
    .expect("planted");
    let names = || -> Vec<String> {
        let mut select = file.prepare("SELECT name FROM shylock_locks ORDER BY name").expect("prepared");
        select.query_map([], |row| row.get(0)).expect("read").map(|name| name.expect("a name")).collect()
    };
    for turn in 0.. {
        let lease = acquire(&store, &name("busy"), TTL).await;
        store.release(std::slice::from_ref(&lease)).await.expect("released");
        if names().len() == 5 {
            break;
        }
        assert!(turn < 5000, "{} records are left", names().len());
    }
    assert_eq!(names(), ["busy", "corrupt", "fresh", "held", "held-long"]);
    let again = match store.try_acquire(&request(&held.name, TTL)).await.expect("the store answers") {
        Attempt::Held(info) => info.token,
        Attempt::Granted(grant) => panic!("it was held: {grant:?}"),
    };
    assert_eq!(again, held.token);
}
