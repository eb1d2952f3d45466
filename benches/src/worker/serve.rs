//! The child's side: does as it is told.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, LockManager};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
};

use super::protocol::words;
use crate::{
    outcome::{Outcome, explained},
    rows::{crowd, keeping},
    store::{Address, Store},
    turns::Turn,
    waiters::Waiters,
};

#[derive(Default)]
struct Worker {
    store: Option<Store>,
    manager: Option<LockManager>,
    held: Option<(AsyncLockGuard, Turn)>,
}

/// Obeys until stdin ends, and then drops whatever it is doing: there is nobody to tell.
pub(crate) async fn serve() -> ExitCode {
    let (order, mut orders) = mpsc::unbounded_channel::<String>();
    let obeying = tokio::spawn(async move {
        let mut worker = Worker::default();
        while let Some(line) = orders.recv().await {
            if let Err(error) = worker.obey(&line).await {
                say(&format!("failed {}", explained(&*error)));
            }
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        drop(order.send(line));
    }
    obeying.abort();
    ExitCode::SUCCESS
}

impl Worker {
    async fn obey(&mut self, line: &str) -> Outcome<()> {
        match words(line)[..] {
            ["open", url, database] => {
                let store = Store::open(Address::parse(url)?, database).await?;
                self.manager = Some(LockManager::from(store.connect().await?));
                self.store = Some(store);
                say("ready");
            }
            ["hold", name] => {
                let guard = self.manager()?.lock(name).acquire().await?;
                let turn = Turn::beginning(guard.token().get());
                self.held = Some((guard, turn));
                say("holding");
            }
            ["release"] => {
                let (guard, turn) = self.held.take().ok_or("nothing is held")?;
                let turn = turn.ending();
                guard.release().await?;
                say(&turn.to_string());
            }
            ["queue", name, count] => self.queue(name, count.parse()?).await?,
            ["cycles", name, count] => cycles(self.manager()?, name, count.parse()?).await?,
            ["keep", count, seconds] => {
                let store = self.store.as_ref().ok_or("no store is open")?;
                let hold = Duration::from_secs(seconds.parse()?);
                say(&keeping::keep(store, count.parse()?, hold).await?.to_string());
            }
            ["crowd", count] => say(&format!("resident {}", crowd::wait(count.parse()?).await?)),
            _ => return Err(format!("what is {line:?}?").into()),
        }
        Ok(())
    }

    fn manager(&self) -> Outcome<&LockManager> {
        self.manager.as_ref().ok_or_else(|| "no store is open".into())
    }

    async fn queue(&self, name: &str, count: usize) -> Outcome<()> {
        let mut waiters = Waiters::queue(&self.manager()?.lock(name), count);
        waiters.in_line().await?;
        say("in line");
        tokio::spawn(async move {
            match waiters.turns().await {
                Ok(turns) => turns.iter().for_each(|turn| say(&turn.to_string())),
                Err(error) => say(&format!("failed {}", explained(&*error))),
            }
        });
        Ok(())
    }
}

async fn cycles(manager: &LockManager, name: &str, count: usize) -> Outcome<()> {
    let lock = manager.lock(name);
    // In a task, as programs do it: the main thread's `block_on` pays for a wake-up each time.
    let times = tokio::spawn(async move {
        let mut times = Vec::new();
        for _ in 0..count {
            let since = Instant::now();
            lock.acquire().await?.release().await?;
            times.push(since.elapsed());
        }
        Outcome::Ok(times)
    });
    times.await??.iter().for_each(|time| say(&format!("time {}", time.as_nanos())));
    Ok(())
}

/// The whole line at once. If nobody listens any more, stdin ends soon.
fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}
