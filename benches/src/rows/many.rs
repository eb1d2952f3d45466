//! Many locks at once.

use shylock_core::{AsyncLockGuard, LockManager};
use tokio::task::JoinSet;

use crate::outcome::Outcome;

const TASKS: usize = 64;

/// Acquires so many locks whose names begin with `prefix`. The guards come in parts: putting them into one list would
/// need memory that is not theirs.
pub(crate) async fn acquire(manager: &LockManager, prefix: &str, count: usize) -> Outcome<Vec<Vec<AsyncLockGuard>>> {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (manager, prefix) = (manager.clone(), prefix.to_owned());
        tasks.spawn(async move {
            let mut guards = Vec::with_capacity(count / TASKS + 1);
            for number in (task..count).step_by(TASKS) {
                guards.push(manager.lock(format!("{prefix}{number}")).acquire().await?);
            }
            Outcome::Ok(guards)
        });
    }
    let mut all = Vec::with_capacity(TASKS);
    while let Some(guards) = tasks.join_next().await {
        all.push(guards??);
    }
    Ok(all)
}

pub(crate) async fn release(guards: Vec<Vec<AsyncLockGuard>>) -> Outcome<()> {
    let mut tasks = JoinSet::new();
    for part in guards {
        tasks.spawn(async move {
            for guard in part {
                guard.release().await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(released) = tasks.join_next().await {
        released??;
    }
    Ok(())
}
