//! Tasks that wait in line for a lock, each once.

use std::time::Duration;

use shylock_core::AsyncLock;
use tokio::{sync::watch, task::JoinSet, time};

use crate::{outcome::Outcome, turns::Turn};

/// How long each holds the lock.
pub(crate) const HOLD: Duration = Duration::from_millis(3);

/// Nothing here waits for longer: it would be a fault, not a number.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Waiters {
    tasks: JoinSet<Outcome<Turn>>,
    called: watch::Receiver<usize>,
    count: usize,
}

impl Waiters {
    /// Starts them.
    pub(crate) fn queue(lock: &AsyncLock, count: usize) -> Self {
        let (call, called) = watch::channel(0);
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (lock, call) = (lock.clone(), call.clone());
            tasks.spawn(async move {
                time::sleep(some_moment()?).await;
                call.send_modify(|called| *called += 1);
                wait_once(&lock).await
            });
        }
        Self { tasks, called, count }
    }

    /// Resolves when all have called `acquire`.
    pub(crate) async fn in_line(&mut self) -> Outcome<()> {
        let count = self.count;
        time::timeout(LIMIT, self.called.wait_for(|called| *called == count)).await??;
        Ok(())
    }

    /// Who held the lock when, once all have released it.
    pub(crate) async fn turns(mut self) -> Outcome<Vec<Turn>> {
        let mut turns = Vec::new();
        while let Some(turn) = time::timeout(LIMIT, self.tasks.join_next()).await? {
            turns.push(turn??);
        }
        Ok(turns)
    }
}

/// They come one by one within a tenth of a second. Pollers that all came at once would all look at once, for ever.
fn some_moment() -> Outcome<Duration> {
    let random = getrandom::u32().map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(100).mul_f64(f64::from(random) / f64::from(u32::MAX)))
}

async fn wait_once(lock: &AsyncLock) -> Outcome<Turn> {
    let guard = lock.acquire().await?;
    let turn = Turn::beginning(guard.token().get());
    time::sleep(HOLD).await;
    let turn = turn.ending();
    guard.release().await?;
    Ok(turn)
}

/// How long to leave the waiters alone once all have called, so that their first attempts are over. It differs from
/// round to round, so that no poll of theirs falls on the same moment each time.
pub(crate) fn settling(round: usize) -> Duration {
    let some = u64::try_from(round % 100).unwrap_or_default() * 37 % 100;
    Duration::from_millis(100 + some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settling_covers_a_tenth_of_a_second_evenly() {
        let mut times: Vec<u128> = (0..100).map(|round| settling(round).as_millis()).collect();
        times.sort_unstable();
        assert_eq!(times, (100..200).collect::<Vec<_>>());
    }
}
