//! Processes that are killed in the middle of a write.

mod support;

use std::{collections::BTreeMap, io::Write, path::Path, thread, time::Duration};

use shylock_sqlite::{Attempt, Backend, LeaseKey, LockName, SqliteBackend};
use support::{Folder, Teller, acquire, again, name, part, request, run};

const KILLS: usize = 120;
const NAMES: usize = 5;
const TTL: Duration = Duration::from_secs(1);

/// Whatever was answered is in the file after any kill, the file is sound, and others go on at once.
#[test]
fn a_killed_writer_leaves_a_sound_file() {
    if let Some(part) = part() {
        return run(write(Path::new(&part[0])));
    }
    let folder = Folder::new();
    let path = folder.locks();
    let mut told = Told::default();
    for kill in 0..KILLS {
        // The log of a writer that was alone has to be recovered, not so that of one among others.
        let other = (kill % 2 == 0).then(|| run(SqliteBackend::open(&path)).expect("opened"));
        let mut writer = Teller::start(again("a_killed_writer_leaves_a_sound_file", &[path.to_str().expect("a text")]));
        for _ in 0..=kill % 7 {
            told.hear(&writer.next().expect("it writes"));
        }
        // At any point of what it does.
        thread::sleep(Duration::from_micros(u64::try_from(kill * 137 % 3000).expect("a number")));
        writer.child.kill().expect("killed");
        while let Some(words) = writer.next() {
            told.hear(&words);
        }
        drop(writer);
        told.check(&path);
        if let Some(other) = other {
            run(go_on(&other));
        }
    }
    println!("{KILLS} kills, {} grants", told.grants);
    run(take_over(&path));
}

/// The grants that were answered.
#[derive(Debug, Default)]
struct Told {
    last: BTreeMap<String, u64>,
    grants: usize,
}

impl Told {
    fn hear(&mut self, words: &[String]) {
        let [lock, token] = words else { panic!("a lock and its token, not {words:?}") };
        let token = token.parse().expect("a number");
        let before = self.last.insert(lock.clone(), token);
        assert!(Some(token) > before, "{lock}: {token} comes after {before:?}");
        self.grants += 1;
    }

    fn check(&self, path: &Path) {
        let file = rusqlite::Connection::open(path).expect("opened");
        let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
        assert_eq!(sound, "ok");
        for (lock, told) in &self.last {
            let select = "SELECT token FROM shylock_locks WHERE name = ?1";
            let token: i64 = file.query_row(select, [lock], |row| row.get(0)).expect("it is there");
            assert!(u64::try_from(token).is_ok_and(|token| token >= *told), "{lock}: {token}, {told} was answered");
        }
    }
}

async fn go_on(store: &SqliteBackend) {
    let lease = acquire(store, &name("others"), TTL).await;
    store.release(std::slice::from_ref(&lease)).await.expect("released");
}

/// Acquires, and lets go of every second one.
async fn write(path: &Path) {
    let store = SqliteBackend::open(path).await.expect("opened");
    let mut out = std::io::stdout();
    for turn in 0.. {
        let lock = name(&format!("lock-{}", turn % NAMES));
        let wish = request(&lock, TTL);
        match store.try_acquire(&wish).await.expect("the store answers") {
            Attempt::Granted(grant) => {
                // One write, which a kill cuts short or not.
                out.write_all(format!("told {lock} {}\n", grant.token).as_bytes()).expect("told");
                if turn % 2 == 0 {
                    let lease = LeaseKey { name: lock, holder: wish.holder, token: grant.token };
                    store.release(&[lease]).await.expect("the store answers");
                }
            }
            Attempt::Held(held) => {
                let lease = LeaseKey { name: lock, holder: held.holder, token: held.token };
                store.release(&[lease]).await.expect("the store answers");
            }
        }
    }
}

/// A lease of a process that is gone ends in its time, and is taken over.
async fn take_over(path: &Path) {
    let store = SqliteBackend::open(path).await.expect("opened");
    for lock in 0..NAMES {
        let lock: LockName = name(&format!("lock-{lock}"));
        let before = store.inspect(&lock).await.expect("the store answers").map(|info| (info.remaining, info.token));
        if let Some((left, token)) = before {
            assert!(left <= TTL, "{left:?} left");
            tokio::time::sleep(left).await;
            assert!(acquire(&store, &lock, TTL).await.token > token);
        }
    }
}
