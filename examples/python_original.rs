//! What the example of the Python library shows, in Rust: `python_original mongodb://HOST/`.
//!
//! A lock is acquired, a second attempt is refused, an error inside the section releases it all the same, and three
//! locks that nobody releases come free by themselves.

use std::{
    env,
    time::{Duration, Instant},
};

use shylock_mongo::{AsyncLock, Error, LockManager, MongoBackend, Result, configure};

const TTL: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let uri = env::args().nth(1).unwrap_or_else(|| "mongodb://localhost:27017".into());
    let manager = LockManager::new(MongoBackend::connect(uri, "shylock_examples").await?);
    configure(manager.clone());

    let lock = AsyncLock::new("my-lock").with_ttl(TTL);
    let guard = lock.acquire().await?;
    println!("got the lock");
    assert!(lock.try_acquire().await?.is_none(), "two holders");
    println!("a second attempt is refused");
    guard.release().await?;

    if let Err(error) = failing_section(&lock).await {
        println!("the section failed: {error}");
    }
    manager.close().await;
    drop(lock.try_acquire().await?.expect("it is free"));
    println!("the lock is free all the same");

    for number in 1..=3 {
        abandon(&format!("abandoned-{number}")).await?;
    }
    let since = Instant::now();
    for number in 1..=3 {
        let guard = AsyncLock::new(format!("abandoned-{number}")).acquire().await?;
        println!("abandoned-{number} came free after {:.1} s", since.elapsed().as_secs_f32());
        guard.release().await?;
    }
    manager.close().await;
    Ok(())
}

async fn failing_section(lock: &AsyncLock) -> Result<(), Box<dyn std::error::Error>> {
    let _guard = lock.acquire().await?;
    Err("out of paper".into())
}

/// Leaves a lock behind as a process does that crashes: held, and renewed by nobody.
async fn abandon(name: &str) -> Result<(), Error> {
    let guard = AsyncLock::new(name).with_ttl(TTL).acquire().await?;
    drop(guard.detach());
    println!("{name} is left behind");
    Ok(())
}
