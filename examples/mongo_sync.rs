//! Locks on MongoDB in a program without async code: `mongo_sync mongodb://HOST/`.
//!
//! It shows what the synchronous example of the Python library does: a lock is held, a second attempt is refused, an
//! error inside the section releases it, and a lock that nobody renews comes free by itself.

use std::{env, error::Error, thread, time::Duration};

use shylock_mongo::{
    MongoBackend,
    sync::{Lock, Result, block_on, configure, shutdown},
};

fn main() -> Result<()> {
    let uri = env::args().nth(1).unwrap_or_else(|| "mongodb://localhost:27017".into());
    configure(block_on(MongoBackend::connect(uri, "shylock_examples"))?);
    let lock = Lock::new("printer");

    if let Err(error) = failing_section(&lock) {
        println!("the section failed: {error}");
    }
    let guard = lock.try_acquire()?.expect("dropping the guard released it");
    println!("the lock is free all the same");
    guard.release()?;

    let pages = print_in_turns(&lock);
    println!("4 threads printed {pages} pages, one thread at a time");

    let forgotten = lock.clone().with_ttl(Duration::from_secs(2)).with_auto_renew(false).acquire()?;
    forgotten.on_lost(|loss| println!("the holder is told: {}", loss.reason));
    let token = lock.with(|guard| guard.token())?;
    println!("the lock came free by itself, now with token {token} instead of {}", forgotten.token());
    drop(forgotten);

    shutdown();
    Ok(())
}

fn failing_section(lock: &Lock) -> Result<(), Box<dyn Error>> {
    let guard = lock.acquire()?;
    println!("held with token {}", guard.token());
    assert!(lock.try_acquire()?.is_none(), "two holders");
    println!("a second attempt is refused");
    Err("out of paper".into())
}

/// Four threads that print three pages each, one thread at a time.
fn print_in_turns(lock: &Lock) -> u32 {
    let print = || lock.with(|guard| println!("three pages, with token {}", guard.token())).map_or(0, |()| 3);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(print)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}
