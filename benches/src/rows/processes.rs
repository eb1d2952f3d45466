//! From one holder to the next across processes, beside one raw round trip.

use super::hand_off::{self, RoundTrips};
use crate::{
    context::Context,
    outcome::Outcome,
    row::{Goal, Row},
    statistics::Times,
    turns::latencies,
    worker::{Child, Team},
};

pub(crate) fn name(processes: usize, waiters: usize) -> String {
    let waiters = if waiters == 1 { "1 waiter".into() } else { format!("{waiters} waiters") };
    format!("hand-off between {processes} processes, {waiters} each, p50")
}

/// Two processes pass the lock on each time; with more waiters some hand-offs stay within a process.
const fn goal(waiters: usize) -> Goal {
    Goal::AtMost(if waiters == 1 { 4.0 } else { 2.5 })
}

pub(crate) async fn row(context: &Context, processes: usize, waiters: usize) -> Outcome<Row> {
    let name = name(processes, waiters);
    if context.store.is_memory() {
        return Ok(Row::not_measured(name, "a store in memory has no other process"));
    }
    let mut limit = RoundTrips::new(context).await?;
    let mut members = Vec::new();
    // One more, which only holds the lock until all are in line.
    for _ in 0..=processes {
        members.push(Child::on(&context.store).await?);
    }
    let mut team = Team::new(members, waiters);
    let (lock, mut times) = (context.name("passed-on"), Vec::new());
    for round in 0.. {
        if times.len() >= context.scale.hand_offs && round >= context.scale.rounds {
            break;
        }
        limit.measure(processes * waiters).await?;
        times.extend(latencies(team.round(&lock, round).await?)?);
    }
    hand_off::row(&name, &Times::new(times)?, limit, goal(waiters))
}
