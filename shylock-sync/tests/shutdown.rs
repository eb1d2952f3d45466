//! An orderly end, in a process of its own: one test.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use shylock_sync::{Error, Lock, LockManager, LossReason, MemoryBackend, block_on, configure, shutdown};

mod slow;

fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("this is Linux");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("shylock-")).collect()
}

/// A thread that was joined may be seen for a moment more.
fn assert_no_thread_is_left() {
    let since = Instant::now();
    while !threads().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(10), "{:?} are left", threads());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn shutdown_leaves_nothing_behind() {
    shutdown(); // nothing to end is no mistake
    assert_eq!(threads(), [""; 0], "no thread before the first use");

    let store = MemoryBackend::new();
    configure(store.clone());
    let slow = slow::Slow::to_release(Duration::from_millis(300));
    let manager = LockManager::new(slow.clone());
    let held = Lock::new("held").acquire().expect("granted");
    let (alarm, told) = std::sync::mpsc::channel();
    held.on_lost(move |loss| alarm.send(loss.reason).expect("somebody hears"));
    let waiting = thread::spawn(|| Lock::new("held").acquire().map(drop));
    let dropped = manager.lock("slow").with_drop_timeout(Duration::ZERO).acquire().expect("granted");
    assert!(!threads().is_empty());

    drop(dropped);
    shutdown();
    assert_eq!(slow.released(), 1, "what was let go of is released first");
    assert!(matches!(waiting.join().expect("no panic"), Err(Error::Stopped)));
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(LossReason::Stopped), "a holder is told");
    assert_no_thread_is_left();
    assert!(matches!(held.ensure_held(), Err(Error::Lost { reason: LossReason::Stopped })));
    drop(held);
    assert_no_thread_is_left();

    // Managers stay stopped, and a new one starts anew.
    assert!(matches!(Lock::new("a").acquire(), Err(Error::Stopped)));
    assert!(matches!(manager.lock("a").acquire(), Err(Error::Stopped)));
    configure(store);
    Lock::new("a").acquire().expect("granted").release().expect("released");

    // Calls that can only fail start no thread, nor does a guard that has nothing to release any more.
    let short = Lock::new("short").with_max_hold(Duration::from_millis(50)).acquire().expect("granted");
    assert_eq!(short.wait_lost().reason, LossReason::MaxHold);
    let watched = Lock::new("watched").acquire().expect("granted");
    let watching = thread::spawn(move || watched.wait_lost().reason);
    let stopped = LockManager::configured().expect("it was configured");
    shutdown();
    assert_eq!(watching.join().expect("no panic"), LossReason::Stopped);
    drop(short);
    assert!(matches!(Lock::new("a").acquire(), Err(Error::Stopped)));
    assert!(matches!(stopped.list(""), Err(Error::Stopped)));
    assert_no_thread_is_left();

    // Managers that nobody has in hands any more have releases under way all the same. Two may end it at once.
    let slow = slow::Slow::to_release(Duration::from_millis(300));
    let lock = LockManager::new(slow.clone()).lock("slow").with_drop_timeout(Duration::ZERO);
    drop(lock.acquire().expect("granted"));
    drop(lock);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                shutdown();
                assert_eq!(slow.released(), 1);
                assert_no_thread_is_left();
            });
        }
    });

    // A `block_on` that goes on keeps the runtime, and takes it along when it ends.
    let (end, ended) = tokio::sync::oneshot::channel();
    let (begin, begun) = std::sync::mpsc::channel();
    let blocked = thread::spawn(move || {
        block_on(async {
            begin.send(()).expect("somebody waits");
            ended.await
        })
    });
    begun.recv().expect("it begins");
    let since = Instant::now();
    shutdown();
    assert!(since.elapsed() < Duration::from_secs(5), "bounded: {:?}", since.elapsed());
    end.send(()).expect("somebody waits");
    blocked.join().expect("no panic").expect("sent");
    assert_no_thread_is_left();
}
