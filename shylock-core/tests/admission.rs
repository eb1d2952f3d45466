//! No more requests are under way than the store serves at a time, and the urgent ones do not wait behind the others.

mod support;

use std::sync::Arc;

use shylock_core::{AsyncLockGuard, Error, LockManager};
use support::{Fault, Faulty, Op, ms, s};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Holds so many locks, whose names begin with this.
async fn hold(manager: &LockManager, prefix: &str, locks: usize) -> Vec<AsyncLockGuard> {
    let mut guards = Vec::new();
    for number in 0..locks {
        guards.push(manager.lock(format!("{prefix}{number}")).acquire().await.expect("granted"));
    }
    guards
}

/// So many acquisitions at once, each released as soon as it is granted.
fn burst(manager: &LockManager, acquisitions: usize) -> JoinSet<()> {
    let mut burst = JoinSet::new();
    for number in 0..acquisitions {
        let lock = manager.lock(format!("burst-{number}"));
        burst.spawn(async move { lock.acquire().await.expect("granted").release().await.expect("released") });
    }
    burst
}

/// A busy store on which this process holds 50 locks.
async fn busy(concurrency: usize, call: std::time::Duration) -> (Faulty, LockManager, Vec<AsyncLockGuard>) {
    let store = Faulty::with_concurrency(concurrency);
    let manager = store.manager();
    let guards = hold(&manager, "held-", 50).await;
    for op in [Op::Acquire, Op::Release, Op::HandOff] {
        store.on(op, Fault::Delays(call));
    }
    store.on(Op::Renew, Fault::Delays(call));
    (store, manager, guards)
}

/// Twenty thousand acquisitions take over a minute, twice the length of a lease.
#[tokio::test(start_paused = true)]
async fn a_busy_process_loses_no_lease() {
    let (store, manager, guards) = busy(10, ms(25)).await;
    let since = Instant::now();
    let mut burst = burst(&manager, 20_000);
    let mut smallest = s(30);
    while !burst.is_empty() {
        drop(timeout(ms(100), async { while burst.join_next().await.is_some() {} }).await);
        smallest = guards.iter().map(AsyncLockGuard::remaining).min().expect("guards").min(smallest);
    }
    assert!(since.elapsed() > s(60), "{:?}", since.elapsed());
    assert!(smallest >= s(15), "the smallest margin was {smallest:?}");
    assert_eq!(store.most_at_once(), 8, "two of ten are for renewals");
}

/// Time limits of calls run from when they are sent: the last of these waits for its turn for longer than a call may
/// take.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_to_be_sent_is_not_late() {
    let (store, manager, guards) = busy(1, ms(25)).await;
    let since = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..600 {
        let manager = manager.clone();
        calls.spawn(
            async move { manager.lock(format!("{number}")).try_acquire().await.expect("answered").expect("free") },
        );
    }
    let acquired = calls.join_all().await;
    assert!(since.elapsed() >= s(15), "{:?}", since.elapsed());
    assert_eq!(store.most_at_once(), 1);
    assert!(guards.iter().chain(&acquired).all(AsyncLockGuard::is_held));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_releases_go_in_a_few_requests() {
    let store = Faulty::with_concurrency(4);
    let manager = store.manager();
    let guards = hold(&manager, "", 10_000).await;
    store.on(Op::Release, Fault::Delays(ms(100)));
    let since = Instant::now();
    let mut releases = JoinSet::new();
    for guard in guards {
        releases.spawn(guard.release());
    }
    for outcome in releases.join_all().await {
        outcome.expect("released");
    }
    assert!(since.elapsed() <= s(2), "{:?}", since.elapsed());
    assert!(store.calls(Op::Release) <= 30, "{} requests", store.calls(Op::Release));
    assert_eq!(manager.list("").await.expect("answered"), []);
}

/// One lease of a batch is another's by now: its holder alone is told.
#[tokio::test(start_paused = true)]
async fn releases_that_went_together_have_outcomes_of_their_own() {
    let store = Faulty::with_concurrency(1);
    let manager = store.manager();
    let guards = hold(&manager, "", 20).await;
    store.manager().force_break("7").await.expect("broken").expect("it was held");
    store.on(Op::Release, Fault::Delays(ms(100)));
    let mut releases = JoinSet::new();
    for guard in guards {
        let name = guard.name().to_owned();
        releases.spawn(async move { (name, guard.release().await) });
    }
    for (name, outcome) in releases.join_all().await {
        assert_eq!(matches!(outcome, Err(Error::Lost { .. })), name == "7", "{name}: {outcome:?}");
        assert!(outcome.is_ok() || name == "7", "{name}: {outcome:?}");
    }
    assert!(store.largest_batch(Op::Release) > 1);
}

/// Renewals that users ask for go together, too, and need no place among the acquisitions.
#[tokio::test(start_paused = true)]
async fn renewals_on_demand_overtake_acquisitions() {
    let (store, manager, guards) = busy(2, ms(100)).await;
    let mut burst = JoinSet::new();
    for number in 0..500 {
        let lock = manager.lock(format!("burst-{number}"));
        burst.spawn(async move { lock.acquire().await.map(drop) });
    }
    sleep(ms(50)).await;
    let since = Instant::now();
    let mut renewals = JoinSet::new();
    for guard in &guards {
        renewals.spawn(guard.renew());
    }
    for outcome in renewals.join_all().await {
        outcome.expect("renewed");
    }
    assert!(since.elapsed() <= s(1), "{:?}", since.elapsed());
    assert!(store.largest_batch(Op::Renew) >= 40);
    burst.abort_all();
}

/// What waits to be sent can be given up without a request.
#[tokio::test(start_paused = true)]
async fn what_was_not_sent_needs_no_withdrawal() {
    let store = Faulty::with_concurrency(1);
    let manager = store.manager();
    store.on(Op::Acquire, Fault::Delays(s(1)));
    let first = tokio::spawn({
        let lock = manager.lock("first");
        async move { lock.acquire().await.expect("granted") }
    });
    sleep(ms(10)).await;
    let mut waiting = JoinSet::new();
    for number in 0..1000 {
        let lock = manager.lock(format!("{number}"));
        waiting.spawn(async move { lock.acquire().await.map(drop) });
    }
    sleep(ms(10)).await;
    waiting.shutdown().await;
    let guard = first.await.expect("no panic");
    timeout(ms(10), manager.close()).await.expect("there is nothing to withdraw");
    assert_eq!(store.calls(Op::Acquire), 1);
    drop(guard);
}

/// An outage while thousands wait to be sent: nobody waits longer than its call may take, and when the store is back, all
/// is well at once.
#[tokio::test(start_paused = true)]
async fn a_queue_ends_with_the_outage() {
    let store = Faulty::with_concurrency(4);
    let manager = Arc::new(store.manager());
    for op in [Op::Acquire, Op::Renew, Op::Release, Op::HandOff, Op::Look] {
        store.on(op, Fault::Hangs);
    }
    let since = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..1000 {
        let manager = Arc::clone(&manager);
        calls.spawn(async move {
            let error = if number % 2 == 0 {
                manager.lock(format!("{number}")).try_acquire().await.map(drop)
            } else {
                manager.inspect(format!("{number}")).await.map(drop)
            };
            error.expect_err("no answer")
        });
    }
    for error in calls.join_all().await {
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    }
    assert!(since.elapsed() <= s(5) + ms(50), "{:?}", since.elapsed());

    let waiters = (0..1000).map(|number| {
        let lock = manager.lock(format!("{number}"));
        async move { lock.acquire().await.expect("granted").release().await.expect("released") }
    });
    let waiters: JoinSet<()> = waiters.collect();
    sleep(s(20)).await;
    store.heal();
    store.hang_up();
    let back = Instant::now();
    waiters.join_all().await;
    assert!(back.elapsed() <= s(2), "{:?}", back.elapsed());
}

/// No class of requests waits for ever: an operator's look is answered while a burst is under way.
#[tokio::test(start_paused = true)]
async fn a_look_gets_its_turn_in_a_burst() {
    let (_store, manager, _guards) = busy(2, ms(25)).await;
    let burst = burst(&manager, 1000);
    sleep(ms(100)).await;
    let since = Instant::now();
    assert!(manager.inspect("held-0").await.expect("answered").is_some());
    assert!(since.elapsed() <= s(1), "{:?}", since.elapsed());
    assert!(!burst.is_empty());
}
