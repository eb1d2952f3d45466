//! Whether the store excludes: first acquisitions of a fresh name that race, and a release that comes too late.
//!
//! A server may run every request of a store and not exclude: upserts that are `INSERT … ON CONFLICT DO UPDATE` let
//! several first acquirers of a name win, and a count of changed documents that is none hides that a release changed
//! nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLock, AsyncLockGuard, Backend, LockManager};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    check::{Check, State},
    common::{TTL, give_back},
    fresh_name,
};
use crate::failure::chain;

const NAME: &str = "exclusion";
const RACERS: usize = 8;
/// A server whose upserts race lets several win in nearly every other race of eight.
const RACES: usize = 16;
/// No race begins after this, so that a slow store does not make it long.
const TIME: Duration = Duration::from_millis(500);
/// Races requests that come from each of these handles on one store.
pub(super) async fn check(stores: &[Arc<dyn Backend>]) -> Check {
    // Each has its own line of waiters, so that none waits for another one's answer.
    let managers: Vec<LockManager> =
        stores.iter().cycle().take(RACERS).map(|store| LockManager::from(Arc::clone(store))).collect();
    let mut guards = Vec::new();
    let outcome = races(&managers, &mut guards).await;
    let mut releases = JoinSet::new();
    for guard in guards {
        let manager = managers[0].clone();
        releases.spawn(async move { give_back(&manager, guard).await });
    }
    // A release that fails is found below, where there is one at a time.
    drop(releases.join_all().await);
    let races = match outcome {
        Outcome::Excluded { races } => races,
        Outcome::Wrong(detail) => return wrong(&detail),
        Outcome::Failed(error) => return Check::failed(NAME, State::Unknown, &error),
    };
    match stale_release(&managers).await {
        Outcome::Excluded { .. } => Check::good(
            NAME,
            format!(
                "one of {RACERS} first acquisitions at once was granted, in each of {races} races; a stale release was refused"
            ),
        ),
        Outcome::Wrong(detail) => wrong(&detail),
        Outcome::Failed(error) => Check::failed(NAME, State::Unknown, &error),
    }
}

fn wrong(detail: &str) -> Check {
    Check::new(NAME, State::Wrong, format!("this server does not exclude: {detail}"))
        .hint("do not use it for locks; it may be a relative of a database that Shylock supports")
}

enum Outcome {
    Excluded { races: usize },
    Wrong(String),
    Failed(String),
}

async fn races(managers: &[LockManager], guards: &mut Vec<AsyncLockGuard>) -> Outcome {
    let since = Instant::now();
    for race in 1..=RACES {
        let name = fresh_name();
        let start = Arc::new(Barrier::new(managers.len()));
        let mut racers = JoinSet::new();
        for lock in managers.iter().map(|manager| lock(manager, &name)) {
            let start = Arc::clone(&start);
            racers.spawn(async move {
                start.wait().await;
                lock.try_acquire().await
            });
        }
        let (mut winners, mut error) = (Vec::new(), None);
        for answer in racers.join_all().await {
            match answer {
                Ok(guard) => winners.extend(guard),
                Err(failed) => error = Some(chain(&failed)),
            }
        }
        let won = winners.len();
        guards.extend(winners);
        match (won, error) {
            (2.., _) => {
                return Outcome::Wrong(format!(
                    "{won} of {RACERS} first acquisitions at once were granted, in race {race}"
                ));
            }
            (_, Some(error)) => return Outcome::Failed(error),
            (1, None) if since.elapsed() < TIME => {}
            (1, None) => return Outcome::Excluded { races: race },
            (0, None) => return Outcome::Wrong("a lock that nobody held was refused to everybody".into()),
        }
    }
    Outcome::Excluded { races: RACES }
}

/// A holder whose lock was broken, and acquired by another, releases it.
async fn stale_release(managers: &[LockManager]) -> Outcome {
    let name = fresh_name();
    let (first, second) = (lock(&managers[0], &name), lock(&managers[1], &name));
    let outcome = async {
        let Some(stale) = first.try_acquire().await? else { return Ok(Some("a free lock was refused")) };
        managers[1].force_break(&name).await?;
        let Some(holder) = second.try_acquire().await? else { return Ok(Some("a broken lock was refused")) };
        let released = stale.release().await.is_ok();
        let seen = managers[1].inspect(&name).await?;
        let undisturbed = seen.is_some_and(|seen| seen.token == holder.token());
        drop(give_back(&managers[1], holder).await);
        Ok::<_, shylock_core::Error>(match (released, undisturbed) {
            (_, false) => Some("a stale release freed the lock of the next holder"),
            (true, true) => Some("a stale release was reported as done"),
            (false, true) => None,
        })
    };
    match outcome.await {
        Ok(None) => Outcome::Excluded { races: 0 },
        Ok(Some(wrong)) => Outcome::Wrong(wrong.into()),
        Err(error) => Outcome::Failed(chain(&error)),
    }
}

fn lock(manager: &LockManager, name: &str) -> AsyncLock {
    manager.lock(name).with_ttl(TTL).with_auto_renew(false).with_note("shylock doctor")
}

#[cfg(test)]
mod tests {
    use shylock_core::MemoryBackend;

    use super::*;

    #[tokio::test]
    async fn handles_on_one_store_exclude() {
        let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
        let check = check(&[Arc::clone(&store), store]).await;
        assert_eq!(check.state, State::Good, "{check}");
    }

    /// As a server behaves whose upserts race: each handle sees a free lock.
    #[tokio::test]
    async fn handles_on_two_stores_do_not() {
        let handles = [(); 2].map(|()| Arc::new(MemoryBackend::new()) as Arc<dyn Backend>);
        let check = check(&handles).await;
        assert_eq!(check.state, State::Wrong, "{check}");
        assert!(check.to_string().contains("2 of 8 first acquisitions at once were granted, in race 1"), "{check}");
    }
}
