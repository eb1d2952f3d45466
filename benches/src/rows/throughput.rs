//! How many free locks many tasks can acquire and release in a second, beside raw commands over a pool of the same
//! size.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use shylock_core::LockManager;
use tokio::task::JoinSet;

use crate::{
    context::Context,
    outcome::Outcome,
    quantity::Quantity,
    row::{Goal, Row},
    statistics::{median, number},
    store::Store,
};

const TASKS: usize = 64;
const GOAL: f64 = 0.9;

pub(crate) fn name() -> String {
    format!("throughput, {TASKS} tasks on {TASKS} names")
}

pub(crate) async fn row(context: &Context) -> Outcome<Row> {
    let way = context.store.raw().await?;
    let manager = match &context.store {
        Store::Mongo(mongo) => LockManager::new(mongo.alike().await?),
        Store::Arango(_) | Store::Sqlite(_) | Store::Memory(_) => context.manager().await?,
    };
    let locks: Vec<_> = (0..TASKS).map(|_| manager.lock(context.name("busy"))).collect();
    let raw_locks = (0..TASKS).map(|_| way.on(&context.name("busy-raw")).map(Arc::new));
    let raw_locks = raw_locks.collect::<Outcome<Vec<_>>>()?;
    let by_lock = |task: usize| {
        let lock = locks[task].clone();
        move || {
            let lock = lock.clone();
            async move { Ok(lock.acquire().await?.release().await?) }
        }
    };
    let by_raw = |task: usize| {
        let raw = Arc::clone(&raw_locks[task]);
        move || {
            let raw = Arc::clone(&raw);
            async move {
                let token = raw.acquire().await?;
                raw.release(token).await
            }
        }
    };
    let scale = &context.scale;
    // For the caches, and the connections of both pools.
    for_a_while(scale.phase / 4, by_raw).await?;
    for_a_while(scale.phase / 4, by_lock).await?;
    let (mut raws, mut ours) = (Vec::new(), Vec::new());
    for phase in 0..scale.phases {
        if phase % 2 == 0 {
            raws.push(for_a_while(scale.phase, by_raw).await?);
            ours.push(for_a_while(scale.phase, by_lock).await?);
        } else {
            ours.push(for_a_while(scale.phase, by_lock).await?);
            raws.push(for_a_while(scale.phase, by_raw).await?);
        }
    }
    let [value, limit] = [&ours, &raws].map(|rates| Quantity::PerSecond(median(rates)));
    let text = format!("limit: {}, as many tasks, names and connections; medians of {}", way.name(), scale.phases);
    Ok(Row::beside(name(), value, limit, context.goal(Goal::AtLeast(GOAL))).saying(text))
}

/// The cycles a second of all tasks together.
async fn for_a_while<Make, Cycle, Done>(time: Duration, make: Make) -> Outcome<f64>
where
    Make: Fn(usize) -> Cycle,
    Cycle: Fn() -> Done + Send + Sync + 'static,
    Done: Future<Output = Outcome<()>> + Send,
{
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let cycle = make(task);
        tasks.spawn(async move {
            let mut cycles = 0;
            while since.elapsed() < time {
                cycle().await?;
                cycles += 1;
            }
            Outcome::Ok(cycles)
        });
    }
    let mut cycles: usize = 0;
    while let Some(done) = tasks.join_next().await {
        cycles += done??;
    }
    Ok(number(cycles) / since.elapsed().as_secs_f64())
}
