//! Many locks held for long, in a process of their own: are they kept, how long does their renewal take, how much
//! memory do they need?

use std::time::Duration;

use shylock_core::LockManager;
use tokio::time::{self, Instant};

use super::{many, waiting::thousands};
use crate::{
    context::Context,
    monotonic,
    outcome::Outcome,
    quantity::Quantity,
    resident,
    row::{Goal, Row},
    scale::Scale,
    statistics::number,
    store::Store,
    worker::{Child, Kept},
    wrappers::{Observed, rounds},
};

const CYCLE_GOAL: Quantity = Quantity::Time(Duration::from_secs(5));
const MEMORY_GOAL: Quantity = Quantity::Kibibytes(1.5);
/// Acquiring 100,000 locks, at a leisurely pace.
const ACQUIRING_LIMIT: Duration = Duration::from_secs(600);

pub(crate) fn names(scale: &Scale) -> Vec<String> {
    let time = match scale.hold.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    let name = |what| format!("{} held locks for {time}, {what}", thousands(scale.held));
    ["longest renewal cycle", "lost", "memory each"].map(name).to_vec()
}

pub(crate) async fn rows(context: &Context) -> Outcome<Vec<Row>> {
    let Scale { held, hold, .. } = context.scale;
    let mut child = Child::start()?;
    let (url, database) = context.store.address().unwrap_or_else(|| ("memory".into(), "-"));
    child.tell(&format!("open {url} {database}")).await?;
    child.expect("ready").await?;
    child.tell(&format!("keep {held} {}", hold.as_secs())).await?;
    let kept = Kept::parse(&child.hear_within(ACQUIRING_LIMIT + hold * 2).await?)?;
    let [cycle, lost, memory] = &names(&context.scale)[..] else { return Err("three rows".into()) };
    let each = (f64::from(kept.after) - f64::from(kept.before)) / number(held);
    let cycle_text = format!(
        "of {} rounds in which each was renewed once; the time in which renewals were under way; acquired in {}",
        kept.rounds,
        Quantity::Time(kept.acquiring),
    );
    let store = if context.store.is_memory() { ", with the store" } else { "" };
    let memory_text = format!("resident, from {} to {} KiB{store}", kept.before, kept.after);
    Ok(vec![
        match kept.rounds {
            0 => Row::not_measured(cycle, "no round was complete"),
            _ => Row::value(cycle, Quantity::Time(kept.longest_round), Goal::Within(CYCLE_GOAL)).saying(cycle_text),
        },
        Row::value(lost, Quantity::Number(number(kept.lost)), Goal::Within(Quantity::Number(0.0)))
            .saying("`is_held` of each at the end"),
        Row::value(memory, Quantity::Kibibytes(each), Goal::Within(MEMORY_GOAL)).saying(memory_text),
    ])
}

/// What the child does. It leaves the locks to their leases: releasing them would take a minute and tell nothing.
pub(crate) async fn keep(store: &Store, count: usize, hold: Duration) -> Outcome<Kept> {
    let observed = Observed::new(store.connect().await?);
    let manager = LockManager::new(observed.clone());
    let prefix = format!("kept-{}-{}-", std::process::id(), monotonic::now());
    // The pool's connections are no memory of the locks.
    many::release(many::acquire(&manager, &format!("{prefix}first-"), 640.min(count)).await?).await?;
    let before = resident::kibibytes()?;
    let since = Instant::now();
    let guards = many::acquire(&manager, &prefix, count).await?;
    let (acquiring, begin) = (since.elapsed(), monotonic::now());
    time::sleep(hold).await;
    let lost = guards.iter().flatten().filter(|guard| !guard.is_held()).count();
    let after = resident::kibibytes()?;
    let rounds = rounds(&observed.calls_since(begin), count);
    let longest_round = rounds.iter().max().copied().unwrap_or_default();
    std::mem::forget(guards);
    Ok(Kept { before, after, lost, rounds: rounds.len(), longest_round, acquiring })
}
