//! From one holder to the next within one process, beside one raw round trip.

use std::time::{Duration, Instant};

use shylock_core::{AsyncLock, FencingToken};
use tokio::time;

use crate::{
    context::Context,
    counters::Counters,
    outcome::Outcome,
    quantity::Quantity,
    raw::{Raw, RawLock},
    row::{Goal, Row},
    statistics::{Times, number},
    turns::{Turn, latencies},
    waiters::{HOLD, Waiters, settling},
};

const GOAL: f64 = 1.6;
/// The most raw round trips between two rounds.
const MOST_AT_ONCE: usize = 20;
const COMMANDS_GOAL: Quantity = Quantity::Number(1.3);
/// Where the commands are counted, too.
const COUNTED: usize = 100;
/// The commands that acquire, release and hand over.
const COMMANDS: [&str; 2] = ["findAndModify", "update"];

pub(crate) fn names(waiters: usize) -> Vec<String> {
    let mut names = vec![format!("hand-off in one process, {waiters} waiters, p50")];
    if waiters == COUNTED {
        names.push(format!("commands a hand-off, {waiters} waiters"));
    }
    names
}

pub(crate) async fn rows(context: &Context, waiters: usize) -> Outcome<Vec<Row>> {
    let mut limit = RoundTrips::new(context).await?;
    let lock = context.manager().await?.lock(context.name("line"));
    let (mut times, mut hand_offs, mut commands) = (Vec::new(), 0, Some(0));
    for rounds in 0.. {
        if times.len() >= context.scale.hand_offs && rounds >= context.scale.rounds {
            break;
        }
        limit.measure(waiters).await?;
        let before = context.store.counters().await?;
        hand_offs += waiters;
        times.extend(latencies(round(&lock, waiters, rounds).await?)?);
        commands = commands.zip(sent(before, context).await?).map(|(commands, more)| commands + more);
    }
    let names = names(waiters);
    let mut rows = vec![row(&names[0], &Times::new(times)?, limit, context.goal(Goal::AtMost(GOAL)))?];
    if let Some(name) = names.get(1) {
        rows.push(match commands {
            Some(commands) => {
                let value = Quantity::Number(f64::from(commands) / number(hand_offs));
                let text = "findAndModify + update by the server's counters, the waiters' coming included";
                Row::value(name, value, Goal::Within(COMMANDS_GOAL)).saying(text)
            }
            None => Row::not_measured(name, "this store has no counters"),
        });
    }
    Ok(rows)
}

/// A row of hand-offs, however they came about.
pub(crate) fn row(name: &str, times: &Times, limit: RoundTrips, goal: Goal) -> Outcome<Row> {
    let [p50, p90, p99] = [50, 90, 99].map(|percent| Quantity::Time(times.percentile(percent)));
    let in_a_row = Quantity::Time(Times::new(limit.in_a_row)?.percentile(50));
    let (way, limit) = (limit.way.one(), Times::new(limit.times)?);
    let [limit_p50, limit_p90] = [50, 90].map(|percent| Quantity::Time(limit.percentile(percent)));
    let text = format!(
        "p90 {p90}, p99 {p99}, {} hand-offs; limit: {way} between the rounds, 3 ms after the one before \
         (p90 {limit_p90}; p50 in a row {in_a_row})",
        times.count()
    );
    Ok(Row::beside(name, p50, limit_p50, goal).saying(text))
}

async fn round(lock: &AsyncLock, count: usize, round: usize) -> Outcome<Vec<Turn>> {
    let guard = lock.acquire().await?;
    let turn = Turn::beginning(guard.token().get());
    let mut waiters = Waiters::queue(lock, count);
    waiters.in_line().await?;
    time::sleep(settling(round)).await;
    let turn = turn.ending();
    guard.release().await?;
    let mut turns = waiters.turns().await?;
    turns.push(turn);
    Ok(turns)
}

async fn sent(before: Option<Counters>, context: &Context) -> Outcome<Option<u32>> {
    let after = context.store.counters().await?;
    Ok(after.zip(before).map(|(after, before)| after.sum_since(&before, &COMMANDS)))
}

/// The limit of every hand-off: one raw round trip while nothing else goes on.
pub(crate) struct RoundTrips {
    way: Raw,
    raw: RawLock,
    times: Vec<Duration>,
    in_a_row: Vec<Duration>,
}

impl RoundTrips {
    pub(crate) async fn new(context: &Context) -> Outcome<Self> {
        let way = context.store.raw().await?;
        let raw = way.on(&context.name("raw"))?;
        let mut new = Self { way, raw, times: Vec::new(), in_a_row: Vec::new() };
        new.measure(MOST_AT_ONCE).await?;
        (new.times, new.in_a_row) = (Vec::new(), Vec::new());
        Ok(new)
    }

    /// A few more. The limit is that of round trips which come after a pause as a holder makes it, since a server that
    /// was idle for so long is slower; those in a row tell how much.
    ///
    /// As many as there are hand-offs in a round, or a few less.
    pub(crate) async fn measure(&mut self, hand_offs: usize) -> Outcome<()> {
        for _ in 0..hand_offs.min(MOST_AT_ONCE) {
            time::sleep(HOLD).await;
            let (time, token) = self.once().await?;
            self.times.push(time);
            time::sleep(HOLD).await;
            self.raw.release(token).await?;
        }
        for _ in 0..2 {
            let (time, token) = self.once().await?;
            self.in_a_row.push(time);
            self.raw.release(token).await?;
        }
        Ok(())
    }

    /// Each is a write: a server that is asked again by the holder within a millisecond has nothing to change.
    async fn once(&self) -> Outcome<(Duration, FencingToken)> {
        let since = Instant::now();
        let token = self.raw.acquire().await?;
        Ok((since.elapsed(), token))
    }
}
