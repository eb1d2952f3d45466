//! A lock that is held is reported as held, and never as a store that does not answer.

mod support;

use shylock_core::{AsyncLock, Error, HolderInfo, LockManager, Result};
use support::{Fault, Faulty, Op, ms, s};
use tokio::{task::JoinSet, time::sleep};

/// Ten rounds of ten waiters, 20 ms apart, with 300 ms each. A waiter whose turn comes shortly before its time is over
/// has never asked the store.
async fn outcomes_of_waiters(lock: &AsyncLock) -> Vec<Result<HolderInfo, Error>> {
    let mut outcomes = Vec::new();
    for _ in 0..10 {
        let mut waiters = JoinSet::new();
        for number in 0..10 {
            let lock = lock.clone();
            waiters.spawn(async move {
                sleep(ms(20 * number)).await;
                match lock.acquire_timeout(ms(300)).await.expect_err("it is held") {
                    Error::Timeout { holder: Some(holder), .. } => Ok(holder),
                    other => Err(other),
                }
            });
        }
        outcomes.extend(waiters.join_all().await);
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn waiters_whose_time_is_over_name_the_holder() {
    for here in [true, false] {
        let store = Faulty::default();
        store.on(Op::Acquire, Fault::Delays(ms(5)));
        let manager = store.manager();
        let holder = if here { manager.clone() } else { store.manager() };
        let _guard = holder.lock("x").with_note("the import").acquire().await.expect("granted");
        for outcome in outcomes_of_waiters(&manager.lock("x")).await {
            let holder = outcome.unwrap_or_else(|error| panic!("held in this process: {here}: {error:?}"));
            assert_eq!(holder.note.as_deref(), Some("the import"));
        }
    }
}

/// A store that is far away: no answer can be there in the time that the caller gives.
#[tokio::test(start_paused = true)]
async fn less_time_than_a_call_takes_is_no_outage() {
    let store = Faulty::default();
    let manager = store.manager();
    let _other = store.manager().lock("x").acquire().await.expect("granted");
    store.on(Op::Acquire, Fault::Delays(ms(200)));
    let _slow = manager.lock("y").acquire().await.expect("granted, after 200 ms");
    for limit in [1, 50, 199] {
        let error = manager.lock("x").acquire_timeout(ms(limit)).await.expect_err("held");
        assert!(matches!(error, Error::Timeout { .. }), "{limit} ms: {error:?}");
    }
}

/// The other way round: an outage stays one, whoever waits, and however late its turn comes.
#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_an_outage_for_all_who_wait() {
    let store = Faulty::default();
    let manager = store.manager();
    manager.lock("before").acquire().await.expect("granted").release().await.expect("released");
    store.on(Op::Acquire, Fault::Hangs);
    for outcome in outcomes_of_waiters(&manager.lock("x")).await {
        let error = outcome.expect_err("nobody holds it");
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    }
}

/// Whoever holds it here is known, though the store has gone since.
#[tokio::test(start_paused = true)]
async fn a_lock_held_in_this_process_is_held_during_an_outage_too() {
    let store = Faulty::default();
    let manager = store.manager();
    let _guard = manager.lock("x").with_note("the import").acquire().await.expect("granted");
    for op in [Op::Acquire, Op::Renew, Op::Release, Op::Look] {
        store.on(op, Fault::Hangs);
    }
    let error = manager.lock("x").acquire_timeout(s(8)).await.expect_err("held");
    let Error::Timeout { holder: Some(holder), .. } = error else { panic!("{error:?}") };
    assert_eq!(holder.note.as_deref(), Some("the import"));
}

/// While a guard is being released, its former holder is the one to name.
#[tokio::test(start_paused = true)]
async fn a_lock_on_its_way_back_still_has_a_holder() {
    let store = Faulty::default();
    let manager = store.manager();
    let guard = manager.lock("x").with_note("the import").acquire().await.expect("granted");
    for op in [Op::Acquire, Op::Release, Op::HandOff] {
        store.on(op, Fault::Hangs);
    }
    drop(guard);
    let error = manager.lock("x").acquire_timeout(s(2)).await.expect_err("not free yet");
    let Error::Timeout { holder: Some(holder), .. } = error else { panic!("{error:?}") };
    assert_eq!(holder.note.as_deref(), Some("the import"));
}

/// Requests of one's own process that wait to be sent are no silence of the store either.
#[tokio::test(start_paused = true)]
async fn a_queue_of_ones_own_is_no_outage() {
    let store = Faulty::with_concurrency(1);
    store.on(Op::Acquire, Fault::Delays(ms(100)));
    let manager: LockManager = store.manager();
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let lock = manager.lock(format!("{number}"));
        calls.spawn(async move { lock.acquire_timeout(s(1)).await.map(drop) });
    }
    let outcomes = calls.join_all().await;
    let (granted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!((9..=10).contains(&granted.len()), "{} of 100 in a second, one each 100 ms", granted.len());
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    }
}
