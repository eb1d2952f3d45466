//! A busy process: held locks beside thousands of acquisitions at once, and thousands of releases at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, DEFAULT_TTL, LockManager};
use tokio::{task::JoinSet, time::sleep};

use super::{many, waiting::thousands};
use crate::{
    context::Context,
    outcome::Outcome,
    quantity::Quantity,
    raw::Raw,
    row::{Goal, Row},
    scale::Scale,
    store::Store,
};

/// The locks that are held meanwhile.
const HELD: usize = 50;
/// What the smallest margin of a held lease is compared with: half of its ttl.
const LEAST_MARGIN: f64 = 1.0;
/// Of the raw commands' time.
const SLOWER: f64 = 1.2;
const RELEASED_WITHIN: Duration = Duration::from_secs(3);
/// The raw commands go over the connections of one pool, all of them busy.
const CONNECTIONS: usize = 10;

pub(crate) fn names(scale: &Scale) -> [String; 3] {
    let burst = thousands(scale.burst);
    [
        format!("{burst} acquisitions at once, acquired and released"),
        format!("smallest margin of {HELD} held leases beside that"),
        format!("{} releases at once", thousands(scale.released)),
    ]
}

pub(crate) async fn rows(context: &Context) -> Outcome<Vec<Row>> {
    let [burst, margin, released] = names(&context.scale);
    let raw = raw_burst(context).await?;
    let manager = match &context.store {
        Store::Mongo(mongo) => LockManager::new(mongo.alike().await?),
        _ => context.manager().await?,
    };
    let guards = many::acquire(&manager, &context.name("held-"), HELD).await?;
    let since = Instant::now();
    let (mut fastest, mut smallest, mut bursts) = (Duration::MAX, DEFAULT_TTL, 0);
    while bursts == 0 || since.elapsed() < context.scale.bursts {
        let (took, left) = ours(context, &manager, &guards).await?;
        (fastest, smallest, bursts) = (fastest.min(took), smallest.min(left), bursts + 1);
    }
    let lost = guards.iter().flatten().filter(|guard| !guard.is_held()).count();
    many::release(guards).await?;
    if lost > 0 {
        return Err(format!("{lost} of {HELD} leases were lost").into());
    }
    let limit = Quantity::Time(raw);
    let text = format!("limit: the raw commands over {CONNECTIONS} connections; the best of {bursts}");
    let goal = context.goal(Goal::AtMost(SLOWER));
    let half = Quantity::Time(DEFAULT_TTL / 2);
    let over = since.elapsed().as_secs();
    Ok(vec![
        Row::beside(burst, Quantity::Time(fastest), limit, goal).saying(text),
        Row::beside(margin, Quantity::Time(smallest), half, context.goal(Goal::AtLeast(LEAST_MARGIN)))
            .saying(format!("limit: half of the ttl; {bursts} bursts in {over} s, no lease lost")),
        releases(context, released).await?,
    ])
}

/// How long a burst takes, and the smallest margin of the guards meanwhile.
async fn ours(
    context: &Context,
    manager: &LockManager,
    guards: &[Vec<AsyncLockGuard>],
) -> Outcome<(Duration, Duration)> {
    let prefix = context.name("burst-");
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..context.scale.burst {
        let lock = manager.lock(format!("{prefix}{number}"));
        tasks.spawn(async move { lock.acquire().await?.release().await });
    }
    let mut smallest = DEFAULT_TTL;
    let mut look = || {
        let left = guards.iter().flatten().map(AsyncLockGuard::remaining).min();
        smallest = smallest.min(left.unwrap_or_default());
    };
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(outcome) => outcome??,
                None => break,
            },
            () = sleep(Duration::from_millis(50)) => {}
        }
        look();
    }
    Ok((since.elapsed(), smallest))
}

/// The same by raw commands, as many at a time as there are connections.
async fn raw_burst(context: &Context) -> Outcome<Duration> {
    let way: Arc<Raw> = Arc::new(context.store.raw().await?);
    let prefix = context.name("raw-burst-");
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..CONNECTIONS {
        let (way, prefix, count) = (Arc::clone(&way), prefix.clone(), context.scale.burst);
        tasks.spawn(async move {
            for number in (task..count).step_by(CONNECTIONS) {
                let raw = way.on(&format!("{prefix}{number}"))?;
                let token = raw.acquire().await?;
                raw.release(token).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(since.elapsed())
}

async fn releases(context: &Context, name: String) -> Outcome<Row> {
    let manager = context.manager().await?;
    let guards = many::acquire(&manager, &context.name("released-"), context.scale.released).await?;
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for guard in guards.into_iter().flatten() {
        tasks.spawn(guard.release());
    }
    while let Some(released) = tasks.join_next().await {
        released??;
    }
    let goal = context.goal(Goal::Within(Quantity::Time(RELEASED_WITHIN)));
    Ok(Row::value(name, Quantity::Time(since.elapsed()), goal).saying("all of them confirmed"))
}
