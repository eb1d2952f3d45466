//! Another process, for the tests: does one thing with a lock on MongoDB, and says on stdout what became of it.
//!
//! - `worker count URI LOCK TIMES locked|unlocked`: increments a counter by reading and writing it.
//! - `worker hold URI LOCK TTL_MS`: acquires, says `held TOKEN`, then answers each line on stdin: `acted` if the
//!   lock is still held, `lost REASON` if not.
//! - `worker tickets URI`: resumes the ticket of each line on stdin, and says `resumed TOKEN`, `refused REASON`, or
//!   `no ticket`. To an empty line it answers how many of the locks it holds, and releases them at the end of stdin.
//! - `worker hammer URI LOCK TASKS`: passes the lock around among so many tasks without a pause, until it is killed;
//!   says `busy` when they are at it.
//! - `worker see URI LOCK`: says `free TOKEN` if it got the lock, else `held TOKEN`; then the milliseconds that remain
//!   of the lease, and what its wall clock shows in seconds.

use std::{
    env,
    io::{self, BufRead, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mongodb::{Client, Collection, bson::Document, bson::doc};
use shylock_mongo::{AsyncLockGuard, Error, LockManager, LockTicket, MongoBackend, Result};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Result<()> {
    shylock_tests::trace();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["count", uri, lock, times, how] => count(uri, lock, times.parse().expect("a number"), how == "locked").await,
        ["hold", uri, lock, ttl] => hold(uri, lock, Duration::from_millis(ttl.parse().expect("a number"))).await,
        ["hammer", uri, lock, tasks] => hammer(uri, lock, tasks.parse().expect("a number")).await,
        ["tickets", uri] => tickets(uri).await,
        ["see", uri, lock] => see(uri, lock).await,
        _ => panic!("see the head of this program for its arguments"),
    }
}

async fn manager(uri: &str) -> Result<LockManager> {
    Ok(LockManager::new(MongoBackend::connect(uri, "shylock_scenarios").await?))
}

async fn count(uri: &str, lock: &str, times: u32, locked: bool) -> Result<()> {
    let counters = Client::with_uri_str(uri).await.expect("an address").database("shylock_scenarios");
    let counters: Collection<Document> = counters.collection("counters");
    let guarded = manager(uri).await?.lock(lock);
    for _ in 0..times {
        let guard = if locked { Some(guarded.acquire().await?) } else { None };
        let counter = counters.find_one(doc! { "_id": lock }).await.expect("read").expect("the test made it");
        let next = counter.get_i64("count").expect("a number") + 1;
        counters.update_one(doc! { "_id": lock }, doc! { "$set": { "count": next } }).await.expect("written");
        if let Some(guard) = guard {
            guard.release().await?;
        }
    }
    say("done");
    Ok(())
}

async fn hammer(uri: &str, lock: &str, tasks: u32) -> Result<()> {
    let lock = manager(uri).await?.lock(lock);
    let mut hammers = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let lock = lock.clone();
        hammers.spawn(async move {
            loop {
                lock.acquire().await?.release().await?;
            }
        });
    }
    drop(lock.acquire().await?);
    say("busy");
    hammers.join_next().await.expect("there are some").expect("no panic")
}

async fn hold(uri: &str, lock: &str, ttl: Duration) -> Result<()> {
    let guard = manager(uri).await?.lock(lock).with_ttl(ttl).acquire().await?;
    say(&format!("held {}", guard.token()));
    for request in io::stdin().lock().lines() {
        request.expect("stdin is text");
        say(&act(&guard));
    }
    guard.release().await
}

fn act(guard: &AsyncLockGuard) -> String {
    match guard.ensure_held() {
        Ok(()) => "acted".into(),
        Err(Error::Lost { reason }) => format!("lost {reason:?}"),
        Err(error) => format!("{error:?}"),
    }
}

async fn tickets(uri: &str) -> Result<()> {
    let manager = manager(uri).await?;
    let mut guards: Vec<AsyncLockGuard> = Vec::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.expect("stdin is text") {
        say(&match serde_json::from_str::<LockTicket>(&line) {
            _ if line.is_empty() => format!("holds {}", guards.iter().filter(|guard| guard.is_held()).count()),
            Ok(ticket) => match manager.resume(ticket).await {
                Ok(guard) => {
                    guards.push(guard);
                    format!("resumed {}", guards[guards.len() - 1].token())
                }
                Err(Error::Lost { reason }) => format!("refused {reason:?}"),
                Err(error) => format!("{error:?}"),
            },
            Err(_) => "no ticket".into(),
        });
    }
    for guard in guards {
        guard.release().await?;
    }
    Ok(())
}

async fn see(uri: &str, lock: &str) -> Result<()> {
    let manager = manager(uri).await?;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    match manager.lock(lock).try_acquire().await? {
        Some(guard) => {
            let info = manager.inspect(lock).await?.expect("held");
            // Before anybody can be told, who then may end this process.
            guard.release().await?;
            say(&format!("free {} {} {wall}", info.token, info.remaining.as_millis()));
            Ok(())
        }
        None => {
            let info = manager.inspect(lock).await?.expect("held");
            say(&format!("held {} {} {wall}", info.token, info.remaining.as_millis()));
            Ok(())
        }
    }
}

fn say(line: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("somebody reads");
}
