//! What the store is asked while many wait for a lock that stays held.

use std::{sync::Arc, time::Duration};

use shylock_core::{Backend, LockManager, Watch};
use tokio::{
    task::JoinSet,
    time::{self, Instant},
};

use crate::{
    context::Context,
    counters::Rates,
    outcome::Outcome,
    quantity::Quantity,
    row::{Goal, Row},
    scale::Scale,
    wrappers::PollingOnly,
};

pub(crate) fn name(scale: &Scale, polling: bool) -> String {
    let (tasks, seconds) = (thousands(scale.waiting), scale.counted.as_secs());
    let how = if polling { " by polling" } else { "" };
    format!("{tasks} tasks waiting {seconds} s on one held lock{how}, operations a second")
}

pub(crate) async fn row(context: &Context, polling: bool) -> Outcome<Row> {
    let name = name(&context.scale, polling);
    if context.store.counters().await?.is_none() {
        return Ok(Row::not_measured(name, "this store has no counters"));
    }
    if !polling && matches!(context.store.connect().await?.watch().await?, Watch::Unsupported) {
        return Ok(Row::not_measured(name, "this store does not tell when a lock becomes free"));
    }
    // As another process would have it.
    let theirs = context.store.connect().await?;
    let theirs: Arc<dyn Backend> = if polling { Arc::new(PollingOnly(theirs)) } else { theirs };
    let waiting = LockManager::from(theirs);
    let lock = context.name("held");
    let guard = context.manager().await?.lock(&lock).acquire().await?;
    // What the managers and the look at the watch have set off is over by then.
    time::sleep(context.scale.settle).await;
    let idle = rates(context, context.scale.idle).await?;

    let mut tasks = JoinSet::new();
    for _ in 0..context.scale.waiting {
        let lock = waiting.lock(&lock);
        tasks.spawn(async move { lock.acquire().await.map(drop) });
    }
    time::sleep(context.scale.settle).await;
    let busy = rates(context, context.scale.counted).await?.beyond(&idle);
    if let Some(done) = tasks.try_join_next() {
        return Err(format!("a waiter did not wait: {done:?}").into());
    }
    tasks.shutdown().await;
    guard.ensure_held()?;
    waiting.close().await;
    guard.release().await?;

    let goal = Goal::Within(Quantity::PerSecond(if polling { 3.0 } else { 2.0 }));
    let text = format!("{}; beyond {:.2}/s before anybody waited", busy.split(), idle.total());
    Ok(Row::value(name, Quantity::PerSecond(busy.total()), goal).saying(text))
}

async fn rates(context: &Context, time: Duration) -> Outcome<Rates> {
    let missing = "the server's counters have gone";
    let (before, since) = (context.store.counters().await?.ok_or(missing)?, Instant::now());
    time::sleep(time).await;
    let after = context.store.counters().await?.ok_or(missing)?;
    Ok(after.rates_since(&before, since.elapsed()))
}

/// A number with commas between its thousands.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let with_comma = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(with_comma).collect()
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_have_commas() {
        let shown = [0, 10, 999, 1000, 12_345, 100_000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "10", "999", "1,000", "12,345", "100,000", "1,234,567"]);
    }
}
