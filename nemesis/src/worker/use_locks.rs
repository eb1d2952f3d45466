//! One task of a worker: wants a lock in one way or another, holds it, wants the next.

use std::time::Duration;

use shylock_core::{AsyncLockGuard, Error};
use shylock_proof::history::What;
use tokio::time::{sleep, timeout};

use super::{LOCKS, Worker, hold};
use crate::{clock, dice::Dice};

pub(super) async fn task(worker: Worker, mut dice: Dice) {
    while !worker.is_over() {
        let (lock, ttl) = dice.one(&LOCKS);
        let ttl = Duration::from_millis(ttl);
        if let Some(guard) = acquire(&worker, lock, ttl, &mut dice).await {
            hold::hold(&worker, lock, ttl, guard, &mut dice).await;
        }
        sleep(dice.between(1, 400)).await;
    }
}

async fn acquire(worker: &Worker, name: &str, ttl: Duration, dice: &mut Dice) -> Option<AsyncLockGuard> {
    let limit = dice.between(50, 6_000);
    let call = worker.next();
    // By the note, the store's account of a grant names the call that asked for it.
    let lock = worker.manager.lock(name).with_ttl(ttl).with_note(call.to_string());
    let wanted = |limit: Option<Duration>| {
        let limit = limit.map(clock::nanoseconds);
        worker.journal.note(name, What::Wanted { call, limit });
    };
    let brought = match dice.below(10) {
        0 => {
            wanted(Some(worker.manager.call_timeout()));
            let since = clock::now();
            let tried = lock.try_acquire().await;
            worker.took(name, "try_acquire", worker.manager.call_timeout(), since);
            tried
        }
        1 => {
            wanted(None);
            match timeout(limit / 10, lock.acquire()).await {
                Ok(acquired) => acquired.map(Some),
                Err(_) => {
                    worker.journal.note(name, What::Abandoned { call });
                    return None;
                }
            }
        }
        2 => {
            wanted(None);
            lock.acquire().await.map(Some)
        }
        _ => {
            wanted(Some(limit));
            let since = clock::now();
            let acquired = lock.acquire_timeout(limit).await;
            worker.took(name, "acquire_timeout", limit, since);
            acquired.map(Some)
        }
    };
    let (guard, what) = match brought {
        Ok(Some(guard)) => {
            let token = guard.token().get();
            (Some(guard), What::Granted { call, token })
        }
        Ok(None) | Err(Error::Timeout { .. }) => (None, What::Refused { call }),
        Err(error) => (None, What::Failed { call, error: format!("{error:?}") }),
    };
    worker.journal.note(name, what);
    guard
}
