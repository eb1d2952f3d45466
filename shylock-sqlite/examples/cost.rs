//! What locks in a file cost on this disk: `cargo run --release -p shylock-sqlite --example cost -- <folder>`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use shylock_sqlite::{LockManager, Result, SqliteBackend};

const TIMES: u32 = 2000;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".into()));
    for level in ["NORMAL", "FULL"] {
        let pair = raw(&folder.join(format!("raw-{level}.db")), level).expect("SQLite writes");
        println!("two updates by SQLite, synchronous = {level}: {pair:?}");
    }
    let path = folder.join("locks.db");
    let manager = LockManager::new(SqliteBackend::open(&path).await?);
    let since = Instant::now();
    for _ in 0..TIMES {
        manager.lock("x").acquire().await?.release().await?;
    }
    println!("acquire and release: {:?}", since.elapsed() / TIMES);

    let other = LockManager::new(SqliteBackend::open(&path).await?);
    let mut waited = Vec::new();
    for _ in 0..200 {
        let guard = manager.lock("x").acquire().await?;
        let waiter = tokio::spawn({
            let lock = other.lock("x");
            async move { lock.acquire().await.map(|guard| (Instant::now(), guard)) }
        });
        tokio::time::sleep(Duration::from_millis(40)).await;
        let since = Instant::now();
        guard.release().await?;
        let (entered, guard) = waiter.await.expect("it ends")?;
        waited.push(entered - since);
        guard.release().await?;
    }
    waited.sort();
    println!("from a release to the next process's holder: median {:?}, worst {:?}", waited[100], waited[199]);

    let _held = manager.lock("x").acquire().await?;
    let waiter = tokio::spawn({
        let lock = other.lock("x");
        async move { lock.acquire_timeout(Duration::from_secs(6)).await.map(drop) }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = busy();
    tokio::time::sleep(Duration::from_secs(4)).await;
    println!("a process that waits: {:?} of processor time a second", (busy() - before) / 4);
    drop(waiter.await);
    Ok(())
}

/// What one acquisition and one release write at least.
fn raw(path: &Path, level: &str) -> rusqlite::Result<Duration> {
    let file = rusqlite::Connection::open(path)?;
    file.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    file.pragma_update(None, "synchronous", level)?;
    file.execute_batch("CREATE TABLE IF NOT EXISTS x (n); INSERT INTO x VALUES (1)")?;
    let mut update = file.prepare("UPDATE x SET n = n + 1")?;
    let since = Instant::now();
    for _ in 0..2 * TIMES {
        update.execute([])?;
    }
    Ok(since.elapsed() / TIMES)
}

/// The processor time of all threads, on Linux.
fn busy() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    });
    Duration::from_nanos(nanos.sum())
}
