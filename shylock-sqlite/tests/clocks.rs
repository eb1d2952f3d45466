//! Nobody's wall clock takes part; what the start of the machine changes.
#![cfg(target_os = "linux")]

#[allow(unreachable_pub, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/library.rs"]
mod library;
#[allow(unreachable_pub, dead_code, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/skewed_clock.rs"]
mod skewed_clock;
mod support;

use std::{path::Path, process::Command, time::Duration};

use shylock_sqlite::{Attempt, Backend, Error, LockManager, ReleaseOutcome, SqliteBackend, SqliteError};
use skewed_clock::SkewedClock;
use support::{Folder, acquire, again, again_under, name, part, played_well, request, run, unshare};

const TTL: Duration = Duration::from_secs(30);

/// The lease that another process holds looks to this one as to everybody, and so does this one's.
async fn sees_the_same(path: &Path) {
    let store = SqliteBackend::open(path).await.expect("opened");
    let Attempt::Held(info) = store.try_acquire(&request(&name("theirs"), TTL)).await.expect("the store answers")
    else {
        panic!("it was held")
    };
    assert!(info.remaining <= TTL && info.remaining > TTL / 2, "{:?} left", info.remaining);
    let token = acquire(&store, &name("ours"), TTL).await.token;
    assert!(token > info.token);
}

async fn is_seen_by(path: &Path, process: impl FnOnce() -> Command) {
    let store = SqliteBackend::open(path).await.expect("opened");
    let theirs = acquire(&store, &name("theirs"), TTL).await;
    played_well(&process().output().expect("started"));
    let ours = LockManager::new(store.clone()).force_break("ours").await.expect("the store answers").expect("held");
    assert!(ours.remaining <= TTL && ours.remaining > TTL / 2, "{:?} left", ours.remaining);
    assert!(acquire(&store, &name("ours"), TTL).await.token > ours.token);
    assert_eq!(
        store.release(std::slice::from_ref(&theirs)).await.expect("the store answers"),
        [ReleaseOutcome::Released]
    );
}

#[test]
fn a_wall_clock_that_is_wrong_changes_nothing() {
    if let Some(part) = part() {
        return run(sees_the_same(Path::new(&part[0])));
    }
    for ahead in [3_600_000, -3_600_000] {
        let folder = Folder::new();
        let path = folder.locks();
        let clock = SkewedClock::new(&folder.path().join("clock")).expect("a clock");
        clock.set(ahead).expect("set");
        run(is_seen_by(&path, || {
            let mut process = again("a_wall_clock_that_is_wrong_changes_nothing", &[path.to_str().expect("a text")]);
            process.envs(clock.environment());
            process
        }));
    }
}

/// A container may have another time since the start of the machine.
#[test]
fn a_time_namespace_changes_nothing() {
    if let Some(part) = part() {
        return run(sees_the_same(Path::new(&part[0])));
    }
    for seconds in ["100000", "-60"] {
        let folder = Folder::new();
        let path = folder.locks();
        let part = [path.to_str().expect("a text")];
        let starter = unshare(&["--time", "--fork", "--boottime", seconds]);
        run(is_seen_by(&path, || again_under(&starter, "a_time_namespace_changes_nothing", &part)));
    }
}

/// A container's own name of the machine's start would end all leases of the host's processes.
#[test]
fn a_container_with_a_boot_id_of_its_own_is_refused() {
    if let Some(part) = part() {
        return run(open_under_another_boot_id(Path::new(&part[0])));
    }
    let folder = Folder::new();
    let path = folder.locks();
    let part = [path.to_str().expect("a text")];
    let starter = unshare(&["--mount"]);
    let mut process = again_under(&starter, "a_container_with_a_boot_id_of_its_own_is_refused", &part);
    played_well(&process.output().expect("started"));
}

async fn open_under_another_boot_id(path: &Path) {
    let own = path.with_extension("boot");
    std::fs::write(&own, "11111111-2222-4333-8444-555555555555\n").expect("written");
    let mut mount = Command::new("mount");
    mount.arg("--bind").arg(own).arg("/proc/sys/kernel/random/boot_id");
    assert!(mount.status().expect("mount runs").success());
    let error = SqliteBackend::open(path).await.expect_err("refused");
    let Error::Backend { retryable: false, source } = error else { panic!("another error: {error:?}") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::HiddenBoot)), "{source:?}");
    assert!(!path.exists(), "nothing was made");
}

/// The holders ended with the machine; the tokens grow on, though the wall clock may have been set back.
#[tokio::test]
async fn leases_end_with_the_machine_and_tokens_go_on() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    let file = rusqlite::Connection::open(folder.locks()).expect("opened");
    let a_day: i64 = 86_400_000_000;
    file.execute("UPDATE shylock_clock SET boot = 'another', reserved = reserved + ?1", [a_day]).expect("written");

    // This process did not end, so it cannot have been this machine.
    let error = store.try_acquire(&request(&name("y"), TTL)).await.expect_err("refused");
    let Error::Backend { retryable: false, source } = error.into() else { panic!("another error") };
    assert!(matches!(source.downcast_ref(), Some(SqliteError::OtherMachine)), "{source:?}");

    let next = SqliteBackend::open(folder.locks()).await.expect("opened");
    assert_eq!(next.inspect(&lease.name).await.expect("the store answers"), None);
    assert_eq!(next.release(std::slice::from_ref(&lease)).await.expect("the store answers"), [ReleaseOutcome::NotHeld]);
    let taken = acquire(&next, &lease.name, TTL).await;
    assert!(taken.token.get() - lease.token.get() >= 86_400_000 * 1024, "where the clock may have been, it goes on");
    let info = next.inspect(&lease.name).await.expect("the store answers").expect("held");
    let age = info.acquired.elapsed().expect("not in the future");
    assert!(age < Duration::from_secs(60), "others are told the time of the wall clock, not {age:?} ago");
}

/// A board without entropy, or a machine that goes on from a snapshot, has one `boot_id` for all its starts.
#[tokio::test]
async fn a_restart_is_known_by_its_clock_where_the_boot_id_is_the_same() {
    let hour = 3_600_000_000_i64;
    // The file was opened when the machine had run for longer; the disk knows of a later time; a lock was freed later.
    let traces = [
        format!("UPDATE shylock_clock SET uptime = uptime + {hour}"),
        format!("UPDATE shylock_clock SET reserved = reserved + {hour}"),
        format!("UPDATE shylock_locks SET freed = acquired + {hour} WHERE name = 'freed'"),
    ];
    for trace in &traces {
        let folder = Folder::new();
        let store = SqliteBackend::open(folder.locks()).await.expect("opened");
        let lease = acquire(&store, &name("x"), Duration::from_secs(3600 * 5)).await;
        let freed = acquire(&store, &name("freed"), TTL).await;
        store.release(&[freed]).await.expect("released");
        drop(store);
        let file = rusqlite::Connection::open(folder.locks()).expect("opened");
        file.execute(trace, []).expect("written");
        let next = SqliteBackend::open(folder.locks()).await.expect("opened");
        assert_eq!(next.inspect(&lease.name).await.expect("the store answers"), None, "{trace}");
        assert!(acquire(&next, &lease.name, TTL).await.token > lease.token, "{trace}");
        let one_more = SqliteBackend::open(folder.locks()).await.expect("opened");
        let held = one_more.inspect(&lease.name).await.expect("the store answers");
        assert!(held.is_some(), "{trace}: one restart is not two");
    }
}

/// It comes from before a restart that nothing else tells of.
#[tokio::test]
async fn a_lease_from_the_future_is_over() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let lease = acquire(&store, &name("x"), TTL).await;
    let file = rusqlite::Connection::open(folder.locks()).expect("opened");
    // Farther away than any lease can be, too.
    let later = "UPDATE shylock_locks SET acquired = acquired + 360000000000, ends = ends + 360000000000";
    file.execute(later, []).expect("written");
    assert_eq!(store.inspect(&lease.name).await.expect("the store answers"), None);
    assert!(acquire(&store, &lease.name, TTL).await.token > lease.token);
}

/// A clock that comes near to what is on disk has more put there first.
#[tokio::test]
async fn the_clock_never_comes_further_than_the_disk_knows() {
    let folder = Folder::new();
    let store = SqliteBackend::open(folder.locks()).await.expect("opened");
    let file = rusqlite::Connection::open(folder.locks()).expect("opened");
    file.execute("UPDATE shylock_clock SET reserved = began", []).expect("written");
    let lease = acquire(&store, &name("x"), TTL).await;
    let select = "SELECT reserved - acquired FROM shylock_clock, shylock_locks WHERE name = ?1";
    let ahead: i64 = file.query_row(select, [lease.name.as_str()], |row| row.get(0)).expect("read");
    assert!(ahead > 0, "{ahead} µs");
}
