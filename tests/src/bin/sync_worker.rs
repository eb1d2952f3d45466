//! A synchronous program, for the tests: does one thing with locks on MongoDB, and says on stdout what became of it.
//!
//! - `sync_worker end URI LOCK local|static`: ends with a guard alive, in a local variable or in a static.
//! - `sync_worker fork URI LOCK`: holds `LOCK/dropped` and `LOCK/released`, says `held TOKEN TOKEN`, and forks at the
//!   next line on stdin, while threads of it are busy with other locks. The child says `child PID`, what it sees of its
//!   copies, and what it can do by itself; the parent answers each line on stdin: `true` if both are still held.
//! - `sync_worker forks TIMES`: forks so many times while threads of it are busy; each child tries everything and ends.
//!   Says `done` when all children have ended well.
//! - `sync_worker shutdown URI LOCK`: uses a lock, says `used`, and ends the runtime at the next line on stdin; says
//!   `ended` and how many threads are left besides its own, and waits for the end of stdin.

use std::{
    env, fs,
    io::{self, BufRead, Write},
    os::unix::process::parent_id,
    process, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitOptions, waitpid};
use shylock_mongo::{
    MongoBackend,
    sync::{Error, Lock, LockGuard, LockManager, LossReason, MemoryBackend, Result, block_on, configure, shutdown},
};

static HELD: std::sync::Mutex<Option<LockGuard>> = std::sync::Mutex::new(None);

fn main() -> Result<()> {
    shylock_tests::trace();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["end", uri, lock, place] => end(uri, lock, place),
        ["fork", uri, lock] => fork(uri, lock),
        ["forks", times] => forks(times.parse().expect("a number")),
        ["shutdown", uri, lock] => use_and_shut_down(uri, lock),
        _ => panic!("see the head of this program for its arguments"),
    }
}

fn connect(uri: &str) -> Result<()> {
    configure(block_on(MongoBackend::connect(uri, "shylock_scenarios"))?);
    Ok(())
}

fn end(uri: &str, lock: &str, place: &str) -> Result<()> {
    connect(uri)?;
    let guard = Lock::new(lock).with_ttl(Duration::from_secs(2)).acquire()?;
    say(&format!("held {}", guard.token()));
    let mut local = Some(guard);
    if place == "static" {
        *HELD.lock().expect("nobody panics") = local.take();
    }
    Ok(())
}

fn fork(uri: &str, lock: &str) -> Result<()> {
    connect(uri)?;
    let acquire = |what: &str| Lock::new(format!("{lock}/{what}")).with_ttl(Duration::from_secs(2)).acquire();
    let (dropped, released) = (acquire("dropped")?, acquire("released")?);
    let (parents, busy) = (LockManager::configured()?, MemoryBackend::new());
    (0..4).for_each(|number| keep_busy(LockManager::new(busy.clone()).lock(format!("{number}"))));
    say(&format!("held {} {}", dropped.token(), released.token()));
    let mut lines = io::stdin().lock().lines();
    lines.next();
    // The test preloads a library in which this forks.
    if parent_id() == 0 {
        child(uri, lock, &parents, dropped, released);
    }
    for line in lines {
        line.expect("stdin is text");
        let renewed = dropped.renew().and_then(|()| released.renew());
        say(&format!("{}", renewed.is_ok() && dropped.is_held() && released.is_held()));
    }
    Ok(())
}

/// A thread that acquires and releases until the process ends.
fn keep_busy(lock: Lock) {
    thread::spawn(move || while lock.acquire().is_ok_and(|guard| guard.is_held()) {});
}

fn forks(times: u32) -> Result<()> {
    let manager = LockManager::new(MemoryBackend::new());
    configure(manager.clone());
    (0..4).for_each(|number| keep_busy(manager.lock(format!("{number}"))));
    for time in 0..times {
        let guards = [manager.lock("a").acquire()?, manager.lock("b").acquire()?];
        match parent_id() {
            0 => try_everything(&manager, guards),
            child => {
                let child = Pid::from_raw(child.cast_signed()).expect("a process");
                let ended = waitpid(Some(child), WaitOptions::empty()).expect("it is ours").expect("it has ended");
                assert_eq!(ended.1.exit_status(), Some(0), "child {time}: {:?}", ended.1);
            }
        }
    }
    say("done");
    Ok(())
}

/// In a child: nothing hangs, whatever the threads of the parent held at the moment of the fork.
fn try_everything(parents: &LockManager, [one, other]: [LockGuard; 2]) -> ! {
    let stopped = [
        one.renew().is_err(),
        one.wait_lost().reason == LossReason::Stopped,
        matches!(other.release(), Err(Error::Stopped)),
        matches!(parents.lock("c").acquire(), Err(Error::Stopped)),
        matches!(parents.resume(one.detach()), Err(Error::Stopped)),
        matches!(parents.close(), Err(Error::Stopped)),
        matches!(Lock::new("c").acquire(), Err(Error::NotConfigured)),
    ];
    configure(MemoryBackend::new());
    let own = Lock::new("a").with(|guard| guard.is_held());
    // What the parent had under way is nothing of this process.
    block_on(parents.as_async().close());
    let own = own.and_then(|held| if parents.close().is_err() { Ok(held) } else { Err(Error::Stalled) });
    shutdown();
    process::exit(i32::from(stopped != [true; 7] || own.is_err()))
}

fn child(uri: &str, lock: &str, parents: &LockManager, dropped: LockGuard, released: LockGuard) -> ! {
    say(&format!("child {}", process::id()));
    say(&format!("held {} {:?} renew {:?}", dropped.is_held(), dropped.wait_lost().reason, dropped.renew()));
    let since = Instant::now();
    drop(dropped);
    let quick = since.elapsed() < Duration::from_millis(500);
    say(&format!("dropped quickly {quick} released {:?}", released.release()));
    say(&format!("with the parent's store {:?}", parents.lock(lock).try_acquire().map(drop)));
    say(&format!("without a store {:?}", Lock::new(lock).try_acquire().map(drop)));
    let own = connect(uri).and_then(|()| Lock::new(lock).with(|guard| guard.is_held()));
    say(&format!("with a store of its own {own:?}"));
    shutdown();
    // The parent's leases would be renewed by now, if anybody did.
    thread::sleep(Duration::from_secs(600));
    process::exit(0)
}

fn use_and_shut_down(uri: &str, lock: &str) -> Result<()> {
    connect(uri)?;
    Lock::new(lock).acquire()?.release()?;
    drop(Lock::new(lock).acquire()?);
    let _held = Lock::new(lock).acquire()?;
    say("used");
    let mut lines = io::stdin().lock().lines();
    lines.next();
    shutdown();
    // One that was joined may be seen for a moment more.
    let since = Instant::now();
    while threads() > 1 && since.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    say(&format!("ended {}", threads() - 1));
    lines.for_each(drop);
    Ok(())
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("this is Linux").count()
}

fn say(line: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("somebody reads");
}
