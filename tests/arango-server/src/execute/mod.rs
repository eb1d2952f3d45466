//! Running a query: one operation after the other, each over all rows.

mod fold;
mod keys;
mod options;
mod plan;
mod ranges;
mod read;
mod stats;
mod upsert;
mod write;

use std::{future::Future, mem, time::Duration};

use tokio::time;

use crate::{
    aql::ast::Operation,
    error::Failure,
    eval::{Row, Runtime, Warning},
    faults::Point,
    store::{Begin, Transaction},
    value::Value,
};

pub(crate) use plan::Plan;
pub(crate) use stats::Stats;

/// What a query has done. It is committed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Value>,
    pub(crate) stats: Stats,
    pub(crate) warnings: Vec<Warning>,
    /// The last commit that it has seen.
    pub(crate) snapshot: u64,
}

struct Execution<'a> {
    plan: &'a Plan,
    transaction: Transaction,
    runtime: Runtime,
    stats: Stats,
    has_read: bool,
}

/// Runs a query from its snapshot to its commit. An error undoes everything.
pub(crate) async fn run(
    plan: &Plan,
    begin: Begin,
    runtime: Runtime,
    limit: Option<Duration>,
) -> Result<Outcome, Failure> {
    let (outcome, transaction) = run_within(plan, Transaction::begin(begin), runtime, limit).await?;
    transaction.commit().await?;
    Ok(outcome)
}

/// Runs a query within a transaction, which is neither begun nor committed by that. An error undoes all of it.
pub(crate) async fn run_within(
    plan: &Plan,
    transaction: impl Future<Output = Result<Transaction, Failure>>,
    mut runtime: Runtime,
    limit: Option<Duration>,
) -> Result<(Outcome, Transaction), Failure> {
    plan.unknown_options
        .iter()
        .for_each(|name| runtime.warn(1539, format!("unknown OPTIONS attribute used: '{name}'")));
    let execute = async {
        let transaction = transaction.await?;
        let mut execution = Execution { plan, transaction, runtime, stats: Stats::default(), has_read: false };
        let rows = execution.rows().await?;
        Ok::<_, Failure>((rows, execution))
    };
    let (rows, execution) = match limit {
        Some(limit) => time::timeout(limit, execute).await.map_err(|_| Failure::of(1500))??,
        None => execute.await?,
    };
    let Execution { transaction, runtime, stats, has_read, .. } = execution;
    if !has_read {
        transaction.hooks().reach(Point::AfterRead).await?;
    }
    let snapshot = transaction.snapshot();
    transaction.count(|counters| {
        counters.scanned_full += stats.scanned_full;
        counters.scanned_index += stats.scanned_index;
    });
    Ok((Outcome { rows, stats, warnings: runtime.warnings, snapshot }, transaction))
}

impl Execution<'_> {
    async fn rows(&mut self) -> Result<Vec<Value>, Failure> {
        let mut rows = vec![Row::default()];
        for (position, operation) in self.plan.query.operations.iter().enumerate() {
            match operation {
                Operation::Return { distinct, value } => return Ok(self.results(&rows, *distinct, value).await),
                Operation::Write(write) => {
                    if !mem::replace(&mut self.has_read, true) {
                        self.transaction_hook(Point::AfterRead).await?;
                    }
                    rows = self.write(write, position, rows).await?;
                }
                _ => rows = self.read(operation, position, rows)?,
            }
            self.sleep().await;
        }
        Ok(Vec::new())
    }

    async fn transaction_hook(&self, point: Point) -> Result<(), Failure> {
        self.transaction.hooks().reach(point).await
    }

    async fn sleep(&mut self) {
        let sleep = self.runtime.take_sleep();
        if !sleep.is_zero() {
            time::sleep(sleep).await;
        }
    }
}
