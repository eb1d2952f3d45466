//! Workers that exclude each other.
//!
//! `quickstart` alone uses a store in memory, and its workers are tasks. `quickstart mongodb://HOST/` uses that
//! server, and starts itself a second time, so that workers of two processes take turns. The code is the same.

use std::{
    env,
    error::Error,
    process::{Child, Command},
    time::Duration,
};

use shylock_mongo::{AsyncLock, LockManager, MemoryBackend, MongoBackend, Result, configure};
use tokio::{task::JoinSet, time::sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let manager = match arguments.first() {
        Some(uri) => LockManager::new(MongoBackend::connect(uri, "shylock_quickstart").await?),
        None => {
            println!("No address given: a store in memory, and workers that are tasks of one process.");
            LockManager::new(MemoryBackend::new())
        }
    };
    configure(manager.clone());
    let second_process = match &arguments[..] {
        [uri] => Some(start_again(uri)?),
        _ => None,
    };

    let mut workers = JoinSet::new();
    for number in 1..=3 {
        workers.spawn(worker(number));
    }
    for worker in workers.join_all().await {
        worker?;
    }
    if let Some(mut process) = second_process {
        process.wait()?;
        println!("Two processes, six workers, and never two of them at once.");
    } else if arguments.is_empty() {
        println!("Three workers, and never two of them at once.");
    }
    // Whatever was dropped without a `release` is free after this.
    manager.close().await;
    Ok(())
}

/// Three times: waits for the lock, works, lets go.
async fn worker(number: u32) -> Result<()> {
    let name = format!("worker {number} of process {}", std::process::id());
    for _ in 0..3 {
        let guard = AsyncLock::new("invoice-42").acquire().await?;
        println!("> {name} begins, with fencing token {}", guard.token());
        sleep(Duration::from_millis(50)).await;
        guard.ensure_held()?;
        println!("< {name} is done");
        guard.release().await?;
        // Something else to do, so that those of another process get in between.
        sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

fn start_again(uri: &str) -> std::io::Result<Child> {
    Command::new(env::current_exe()?).args([uri, "second"]).spawn()
}
