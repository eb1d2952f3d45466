//! What happens to locks, so that all is told that can be.

use std::{future::Future, pin::Pin, time::Duration};

use shylock_core::{AsyncLockGuard, LockManager};
use tokio::time::sleep;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

use super::{Listener, runtime};
use crate::support::{Fault, Faulty, Op, ms, s};

/// Of all locks here; in no log.
pub(crate) const NOTE: &str = "a-note-that-nobody-logs";

/// What it answers outlives the runtime.
pub(crate) type Scenario = fn(Faulty) -> Pin<Box<dyn Future<Output = Option<AsyncLockGuard>>>>;

macro_rules! all {
    ($($scenario:ident),+ $(,)?) => {
        pub(crate) const ALL: &[Scenario] = &[
            $(|store| Box::pin(async move { $scenario(&store).await; None })),+,
            |store| Box::pin(async move { Some(acquire(&store.manager(), "x").await) }),
        ];
    };
}

all![
    a_wait_for_another,
    a_holder_that_vanishes,
    a_renewal_and_a_drop,
    waits_in_vain,
    a_hand_off,
    what_nobody_waits_for,
    losses,
    releases_that_fail,
    a_stream_that_ends,
    what_operators_do,
    a_runtime_without_timers,
];

/// What a scenario tells.
pub(crate) fn run(scenario: Scenario) -> Listener {
    run_with(scenario, |_| {})
}

/// The same, and shows the id of each holder.
pub(crate) fn run_with(scenario: Scenario, mut show: impl FnMut(u128)) -> Listener {
    let listener = Listener::default();
    let store = Faulty::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(listener.clone()), || {
        let runtime = runtime();
        let left = runtime.block_on(scenario(store.clone()).instrument(info_span!("web_request")));
        // Who holds the lock then, and all who asked.
        drop(runtime);
        drop(left);
    });
    store.holders().into_iter().for_each(|holder| show(u128::from_be_bytes(*holder.as_bytes())));
    listener
}

async fn acquire(manager: &LockManager, name: &str) -> AsyncLockGuard {
    manager.lock(name).with_note(NOTE).acquire().await.expect("granted")
}

/// Waits in a task of its own, in the span of its caller.
async fn waiting(manager: &LockManager, name: &str) -> tokio::task::JoinHandle<AsyncLockGuard> {
    let lock = manager.lock(name).with_note(NOTE);
    let waiting = tokio::spawn(async move { lock.acquire().await.expect("granted") }.in_current_span());
    sleep(ms(10)).await;
    waiting
}

pub(crate) async fn a_wait_for_another(store: &Faulty) {
    let guard = acquire(&store.manager(), "x").await;
    store.on(Op::Watch, Fault::Permanent);
    let waiter = waiting(&store.manager(), "x").await;
    sleep(s(5)).await;
    guard.release().await.expect("released");
    waiter.await.expect("no panic").release().await.expect("released");
}

pub(crate) async fn a_holder_that_vanishes(store: &Faulty) {
    let guard = store.manager().lock("x").with_auto_renew(false).acquire().await.expect("granted");
    acquire(&store.manager(), "x").await.release().await.expect("released");
    drop(guard);
    sleep(s(1)).await;
}

pub(crate) async fn a_renewal_and_a_drop(store: &Faulty) {
    let guard = acquire(&store.manager(), "x").await;
    sleep(s(11)).await;
    drop(guard);
    sleep(s(1)).await;
}

async fn waits_in_vain(store: &Faulty) {
    let (here, there) = (store.manager(), store.manager());
    let _guard = acquire(&there, "x").await;
    assert!(here.lock("x").try_acquire().await.expect("an answer").is_none());
    here.lock("x").acquire_timeout(s(1)).await.expect_err("held");
    let waiter = waiting(&here, "x").await;
    // Behind the one that asks, where nobody has told yet who holds the lock.
    let second = waiting(&here, "y").await;
    store.next(1, Op::Acquire, Fault::Delays(s(1)));
    let first = waiting(&here, "z").await;
    let behind = waiting(&here, "z").await;
    for task in [waiter, second, behind, first] {
        task.abort();
        sleep(ms(10)).await;
    }
    store.next(1, Op::Acquire, Fault::Refuses(None));
    drop(acquire(&here, "a").await);
    store.next(1, Op::Acquire, Fault::Permanent);
    here.lock("b").acquire().await.expect_err("refused");
    // Before anybody has looked at the lock, which hangs.
    store.next(2, Op::Acquire, Fault::Hangs);
    let hanging = waiting(&here, "c").await;
    here.lock("c").acquire_timeout(s(1)).await.expect_err("no answer");
    hanging.abort();
    sleep(s(60)).await;
}

async fn a_hand_off(store: &Faulty) {
    let manager = store.manager();
    let guard = acquire(&manager, "x").await;
    let waiter = waiting(&manager, "x").await;
    guard.release().await.expect("handed over");
    waiter.await.expect("no panic").release().await.expect("released");
}

async fn what_nobody_waits_for(store: &Faulty) {
    let manager = store.manager();
    store.next(1, Op::Acquire, Fault::AnswersLate(s(1)));
    waiting(&manager, "x").await.abort();
    sleep(s(5)).await;
    store.on(Op::Acquire, Fault::LosesAnswer);
    let waiter = waiting(&manager, "y").await;
    waiter.abort();
    waiter.await.expect_err("aborted");
    manager.close().await;
}

async fn losses(store: &Faulty) {
    let manager = store.manager();
    let guard = acquire(&manager, "x").await;
    store.on(Op::Renew, Fault::Permanent);
    sleep(s(60)).await;
    guard.ensure_held().expect_err("lost");
}

async fn releases_that_fail(store: &Faulty) {
    let manager = store.manager();
    let guard = acquire(&manager, "x").await;
    store.next(1, Op::Release, Fault::Permanent);
    drop(guard);
    sleep(Duration::from_secs(1)).await;
    let guard = acquire(&manager, "y").await;
    store.manager().force_break("y").await.expect("broken");
    guard.release().await.expect_err("broken");
}

async fn a_stream_that_ends(store: &Faulty) {
    let guard = acquire(&store.manager(), "x").await;
    let waiter = waiting(&store.manager(), "x").await;
    // Short streams: polling goes on.
    store.cut();
    sleep(s(3)).await;
    store.cut();
    guard.release().await.expect("released");
    drop(waiter.await);
    sleep(s(60)).await;
}

async fn what_operators_do(store: &Faulty) {
    let manager = store.manager();
    let guard = acquire(&manager, "x").await;
    let guard = manager.resume(guard.detach()).await.expect("resumed");
    manager.force_break("x").await.expect("broken").expect("it was held");
    manager.inspect("x").await.expect("an answer");
    manager.list("").await.expect("an answer");
    drop(guard);
    sleep(s(1)).await;
}

pub(crate) async fn a_runtime_without_timers(store: &Faulty) {
    let bare = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let entered = bare.enter();
    drop(store.manager());
    drop(entered);
    bare.shutdown_background();
}
