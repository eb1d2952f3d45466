//! A free acquire + release beside what it is made of, in turns, so that both see the same server at the same time.

use std::time::{Duration, Instant};

use shylock_core::{AsyncLock, LockManager, MemoryBackend};

use crate::{
    context::Context,
    outcome::Outcome,
    quantity::Quantity,
    raw::RawLock,
    row::{Goal, Row},
    statistics::Times,
};

pub(crate) const NAMES: [&str; 2] = ["free acquire + release, p50", "free acquire + release, p99"];
pub(crate) const IN_MEMORY: &str = "memory store: free acquire + release";
const IN_MEMORY_GOAL: Quantity = Quantity::Time(Duration::from_micros(10));
const GOALS: [f64; 2] = [1.1, 1.25];

pub(crate) async fn rows(context: &Context) -> Outcome<Vec<Row>> {
    let way = context.store.raw().await?;
    let raw = way.on(&context.name("raw"))?;
    let lock = context.manager().await?.lock(context.name("free"));
    let (mut raw_times, mut lock_times) = (Vec::new(), Vec::new());
    for round in 0..context.scale.warm_up + context.scale.cycles {
        let (raw_time, lock_time) = if round % 2 == 0 {
            (by_raw(&raw).await?, by_lock(&lock).await?)
        } else {
            let lock_time = by_lock(&lock).await?;
            (by_raw(&raw).await?, lock_time)
        };
        if round >= context.scale.warm_up {
            raw_times.push(raw_time);
            lock_times.push(lock_time);
        }
    }
    let (raw_times, lock_times) = (Times::new(raw_times)?, Times::new(lock_times)?);
    let text = format!("limit: {}, in turns, {} of each", way.name(), lock_times.count());
    let row = |(name, percent, goal)| {
        let [value, limit] = [&lock_times, &raw_times].map(|times: &Times| Quantity::Time(times.percentile(percent)));
        Row::beside(name, value, limit, context.goal(Goal::AtMost(goal))).saying(&text)
    };
    Ok([(NAMES[0], 50, GOALS[0]), (NAMES[1], 99, GOALS[1])].map(row).to_vec())
}

/// What the engine costs where the store costs nothing.
pub(crate) async fn in_memory(context: &Context) -> Outcome<Row> {
    let lock = LockManager::new(MemoryBackend::new()).lock("free");
    let mut times = Vec::new();
    for round in 0..10 * (context.scale.warm_up + context.scale.cycles) {
        let time = by_lock(&lock).await?;
        if round >= 10 * context.scale.warm_up {
            times.push(time);
        }
    }
    let times = Times::new(times)?;
    let [p50, p99] = [50, 99].map(|percent| Quantity::Time(times.percentile(percent)));
    Ok(Row::value(IN_MEMORY, p50, Goal::Within(IN_MEMORY_GOAL)).saying(format!("p50, in a task; p99 {p99}")))
}

async fn by_raw(raw: &RawLock) -> Outcome<Duration> {
    let since = Instant::now();
    let token = raw.acquire().await?;
    raw.release(token).await?;
    Ok(since.elapsed())
}

async fn by_lock(lock: &AsyncLock) -> Outcome<Duration> {
    let since = Instant::now();
    lock.acquire().await?.release().await?;
    Ok(since.elapsed())
}
