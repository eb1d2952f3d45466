//! Holding a lock: asks the guard before each act, as a user should, and acts some time later, as users do.

use std::time::Duration;

use shylock_core::{AsyncLockGuard, Error};
use shylock_proof::history::{Answer, What};
use tokio::time::sleep;

use super::Worker;
use crate::{clock, dice::Dice, resource};

pub(super) async fn hold(worker: &Worker, lock: &str, ttl: Duration, guard: AsyncLockGuard, dice: &mut Dice) {
    let token = guard.token().get();
    let watching = watch_for_loss(worker, lock, &guard);
    let until = clock::now() + clock::nanoseconds(how_long(ttl, dice));
    while clock::now() < until && !worker.is_over() {
        // Read before the guard is asked: what is true then is true of this moment.
        let at = clock::now();
        let (held, left) = (guard.is_held(), clock::nanoseconds(guard.remaining()));
        worker.journal.note_at(at, lock, What::Asked { token, held, left });
        if !held {
            break;
        }
        if dice.percent(60) {
            write(worker, lock, token, ttl, dice).await;
        }
        sleep(dice.between(10, 120)).await;
    }
    watching.abort();
    give_back(worker, lock, token, guard, dice).await;
}

fn how_long(ttl: Duration, dice: &mut Dice) -> Duration {
    match dice.below(10) {
        0..6 => dice.between(0, 150),
        6..9 => dice.between(100, 1_500),
        // Longer than a lease: it has to be renewed.
        _ => dice.between(1_000, 3_000).max(ttl.min(Duration::from_secs(4)) * 3 / 2),
    }
}

fn watch_for_loss(worker: &Worker, lock: &str, guard: &AsyncLockGuard) -> tokio::task::JoinHandle<()> {
    let (journal, lock, token, lost) = (worker.journal.clone(), lock.to_owned(), guard.token().get(), guard.lost());
    tokio::spawn(async move {
        let reason = format!("{:?}", lost.await.reason);
        // What its own giving back ends is no loss.
        if reason != "Released" {
            journal.note(&lock, What::Lost { token, reason });
        }
    })
}

/// Mostly soon after the guard was asked; sometimes so late that another may hold the lock by then.
async fn write(worker: &Worker, lock: &str, token: u64, ttl: Duration, dice: &mut Dice) {
    let late = dice.percent(4);
    let pause = if late { ttl.min(Duration::from_secs(4)) + dice.between(0, 4_000) } else { dice.between(0, 60) };
    let (worker, lock, number) = (worker.clone(), lock.to_owned(), worker.next());
    let writing = async move {
        sleep(pause).await;
        worker.journal.note(&lock, What::Writing { write: number, token });
        let what = match resource::write(&worker.orders.folder, &lock, token).await {
            Ok(resource::Verdict::Accepted(order)) => What::Accepted { write: number, token, order },
            Ok(resource::Verdict::Fenced) => What::Fenced { write: number, token },
            Err(_) => return, // the run is over
        };
        worker.journal.note(&lock, what);
    };
    if late {
        tokio::spawn(writing);
    } else {
        writing.await;
    }
}

async fn give_back(worker: &Worker, lock: &str, token: u64, guard: AsyncLockGuard, dice: &mut Dice) {
    worker.journal.note(lock, What::Releasing { token });
    if dice.percent(30) {
        return drop(guard);
    }
    let since = clock::now();
    let answer = match guard.release().await {
        Ok(()) => Answer::Released,
        Err(Error::Lost { .. }) => Answer::Lost,
        Err(_) => Answer::Unknown,
    };
    worker.took(lock, "release", worker.manager.call_timeout(), since);
    worker.journal.note(lock, What::Released { token, answer });
}
