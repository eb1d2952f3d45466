//! The memory of very many tasks that wait for one lock, in a process of its own.

use std::time::Duration;

use shylock_core::{LockManager, MemoryBackend};
use tokio::{sync::watch, task::JoinSet, time};

use super::waiting::thousands;
use crate::{
    context::Context,
    outcome::Outcome,
    quantity::Quantity,
    resident,
    row::{Goal, Row},
    scale::Scale,
    waiters::LIMIT,
    worker::Child,
};

const GOAL: Quantity = Quantity::Megabytes(200.0);

pub(crate) fn name(scale: &Scale) -> String {
    format!("memory store: {} waiters", thousands(scale.crowd))
}

pub(crate) async fn row(context: &Context) -> Outcome<Row> {
    let mut child = Child::start()?;
    child.tell(&format!("crowd {}", context.scale.crowd)).await?;
    let kibibytes = crate::worker::number(&child.hear_within(LIMIT * 2).await?, "resident")?;
    let megabytes = f64::from(u32::try_from(kibibytes)?) * 1024.0 / 1e6;
    let text = "resident memory of the whole process";
    Ok(Row::value(name(&context.scale), Quantity::Megabytes(megabytes), Goal::Within(GOAL)).saying(text))
}

/// What the child does: the resident memory in KiB while so many wait.
pub(crate) async fn wait(count: usize) -> Outcome<u32> {
    let manager = LockManager::new(MemoryBackend::new());
    let guard = manager.lock("crowded").acquire().await?;
    let (call, mut called) = watch::channel(0_usize);
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (lock, call) = (manager.lock("crowded"), call.clone());
        tasks.spawn(async move {
            call.send_modify(|called| *called += 1);
            lock.acquire().await.map(drop)
        });
    }
    time::timeout(LIMIT, called.wait_for(|called| *called == count)).await??;
    let resident = steady().await?;
    if tasks.try_join_next().is_some() {
        return Err("a waiter did not wait".into());
    }
    guard.ensure_held()?;
    tasks.shutdown().await;
    guard.release().await?;
    Ok(resident)
}

/// The resident memory once it has stopped growing: the tasks of the engine come after those of the callers.
async fn steady() -> Outcome<u32> {
    let mut before = resident::kibibytes()?;
    for _ in 0..60 {
        time::sleep(Duration::from_millis(500)).await;
        let now = resident::kibibytes()?;
        if now <= before + before / 200 {
            return Ok(now);
        }
        before = now;
    }
    Err("the memory of the waiters did not stop growing".into())
}
