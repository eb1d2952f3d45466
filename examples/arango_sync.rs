//! Locks on ArangoDB in a program without async code: `arango_sync [http://HOST:8529 USER PASSWORD]`.
//!
//! Threads count together what they read and write in two steps.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use shylock_arango::{
    ArangoBackend, Credentials,
    sync::{Lock, LockManager, Result, block_on, configure, shutdown},
};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.into());
    let (uri, user, password) = (argument("http://localhost:8529"), argument("root"), argument(""));
    let backend = ArangoBackend::builder().create_database(true);
    configure(block_on(backend.connect(uri, "shylock_examples", Credentials::password(user, password)))?);

    {
        let _guard = Lock::new("counter").acquire()?;
        assert!(Lock::new("counter").try_acquire()?.is_none(), "two holders");
        println!("a second attempt is refused");
    } // released, before the next line runs

    let count = AtomicU32::new(0);
    let work = || -> Result<()> {
        for _ in 0..10 {
            Lock::new("counter").with(|_| {
                let before = count.load(Ordering::Relaxed);
                thread::yield_now();
                count.store(before + 1, Ordering::Relaxed);
            })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    println!("8 threads counted to {}", count.into_inner());

    if LockManager::configured()?.list("counter")?.is_empty() {
        println!("nothing is held any more");
    }
    shutdown();
    Ok(())
}
