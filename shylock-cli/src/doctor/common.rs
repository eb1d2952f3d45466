//! The checks that every store has: the program uses it, with locks of names that nobody else uses.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, Backend, LockManager, Result, Watch};
use tokio::time::timeout;

use super::{
    check::{Check, State},
    exclusion, fresh_name, hint,
};
use crate::{
    failure::{Failure, chain},
    store,
};

/// A lock that cannot be released is left to the end of its lease.
pub(super) const TTL: Duration = Duration::from_secs(10);

/// How long a lock may take to come free at the end.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn checks(told: Option<&str>) -> Vec<Check> {
    let since = Instant::now();
    let store = match store::open(told).await {
        Ok(store) => store,
        Err(failure) => return vec![refused(&failure)],
    };
    let reached = Check::good("reachable", format!("within {} ms", since.elapsed().as_millis()));
    let rights = rights(&store.backend).await;
    if rights.state == State::Wrong {
        return vec![reached, rights];
    }
    // Requests of one handle may share a connection or a thread, and those of several race.
    let others = tokio::join!(store::open(told), store::open(told), store::open(told));
    let others = [others.0, others.1, others.2].into_iter().filter_map(Result::ok).map(|store| store.backend);
    let handles: Vec<_> = others.chain([Arc::clone(&store.backend)]).collect();
    vec![reached, rights, exclusion::check(&handles).await, waiting(&store.backend).await]
}

/// A server that answers and is refused is reachable.
fn refused(failure: &Failure) -> Check {
    let name = if hint::for_error(failure.message()) == Some(hint::ADDRESS) { "reachable" } else { "usable" };
    Check::failed(name, State::Wrong, failure.message())
}

/// Acquires a lock, renews it, looks at it, lists it and releases it.
async fn rights(backend: &Arc<dyn Backend>) -> Check {
    const NAME: &str = "rights";
    let since = Instant::now();
    match try_out(&LockManager::from(Arc::clone(backend))).await {
        Ok(true) => Check::good(
            NAME,
            format!("a lock was acquired, renewed, listed and released in {} ms", since.elapsed().as_millis()),
        ),
        Ok(false) => Check::new(NAME, State::Wrong, "a lock that was granted is not listed as held"),
        Err(error) => Check::failed(NAME, State::Wrong, &chain(&error)),
    }
}

/// Whether the lock was seen as held.
async fn try_out(manager: &LockManager) -> Result<bool> {
    let name = fresh_name();
    let lock = manager.lock(&name).with_ttl(TTL).with_note("shylock doctor");
    // Nobody else knows the name, so that a refusal is as odd as a lock that is not listed.
    let Some(guard) = lock.try_acquire().await? else { return Ok(false) };
    let used = used(manager, &guard).await;
    let released = give_back(manager, guard).await;
    used.and_then(|seen| released.map(|()| seen))
}

async fn used(manager: &LockManager, guard: &AsyncLockGuard) -> Result<bool> {
    guard.renew().await?;
    let listed = manager.list(guard.name()).await?;
    let seen = manager.inspect(guard.name()).await?;
    Ok(listed.len() == 1 && seen.is_some())
}

/// Releases the lock, once more if that fails, so that it is not left to its lease: nobody else uses its name. Whatever comes of
/// the second time, the error is that of the first.
pub(super) async fn give_back(manager: &LockManager, guard: AsyncLockGuard) -> Result<()> {
    let name = guard.name().to_owned();
    let released = guard.release().await;
    if released.is_err() {
        let broken = async {
            drop(manager.force_break(&name).await);
            manager.close().await;
        };
        drop(timeout(PATIENCE, broken).await);
    }
    released
}

/// Whether a waiter gets to know that a lock came free: one is acquired and released while the store is watched.
async fn waiting(backend: &Arc<dyn Backend>) -> Check {
    const NAME: &str = "waiting";
    let mut freed = match backend.watch().await {
        Ok(Watch::Freed(freed)) => freed,
        Ok(_) => {
            let detail = "the store does not notify waiters: they ask again, each second at the latest";
            return Check::new(NAME, State::Weak, detail);
        }
        Err(error) => {
            let error = chain(&error);
            return Check::failed(NAME, State::Weak, &format!("waiters have to ask again: {error}"));
        }
    };
    let name = fresh_name();
    let since = Instant::now();
    let released = async {
        let manager = LockManager::from(Arc::clone(backend));
        match manager.lock(&name).with_ttl(TTL).with_note("shylock doctor").try_acquire().await? {
            Some(guard) => give_back(&manager, guard).await,
            None => Ok(()),
        }
    };
    if let Err(error) = released.await {
        return Check::failed(NAME, State::Unknown, &chain(&error));
    }
    let noticed = async { while freed.recv().await.is_some_and(|seen| seen.as_str() != name) {} };
    match timeout(PATIENCE, noticed).await {
        Ok(()) if !freed.is_closed() => {
            let took = since.elapsed().as_millis();
            Check::good(NAME, format!("the store notified a waiter of a lock that came free, in {took} ms"))
        }
        _ => Check::new(NAME, State::Weak, "no notice of a lock that came free arrived: waiters have to ask again"),
    }
}
