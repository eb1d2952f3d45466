//! Locks on ArangoDB, in async code: `arango_async [http://HOST:8529 USER PASSWORD]`.

use std::{env, time::Duration};

use shylock_arango::{ArangoBackend, AsyncLock, Credentials, Error, LockManager, Result, configure};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.into());
    let (uri, user, password) = (argument("http://localhost:8529"), argument("root"), argument(""));

    // An administrator may have the database made; others connect to one that is there.
    let backend = ArangoBackend::builder().create_database(true);
    let backend = backend.connect(uri, "shylock_examples", Credentials::password(user, password)).await?;
    let manager = LockManager::new(backend);
    configure(manager.clone());
    let lock = AsyncLock::new("nightly import").with_note("import of orders");

    let guard = lock.acquire().await?;
    let token = guard.token();
    println!("held with token {token}, for {:?} more without a renewal", guard.remaining());

    // Not reentrant: refused though the same task holds it.
    if lock.try_acquire().await?.is_none() {
        println!("refused, as it is held");
    }
    if let Err(Error::Timeout { holder: Some(holder), .. }) = lock.acquire_timeout(Duration::from_millis(200)).await {
        println!("timed out: still held by {holder}");
    }
    guard.release().await?;

    // What the protected resource compares: the token of a later holder is larger.
    let later = lock.with(async |guard| guard.token()).await?;
    println!("held again with token {later}: a former holder would be refused, {}", token < later);

    manager.close().await;
    Ok(())
}
