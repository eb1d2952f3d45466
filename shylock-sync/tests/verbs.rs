//! Each verb of a lock, a guard and a manager, in blocking calls.

mod slow;
#[allow(unreachable_pub, reason = "it is public in the package of the tests")]
#[path = "../../tests/src/stopwatch.rs"]
mod stopwatch;

use std::{sync::mpsc, thread, time::Duration};

use shylock_sync::{AsyncLock, Error, Lock, LockManager, LossReason, MemoryBackend};
use slow::Slow;
use stopwatch::Stopwatch;

const SECOND: Duration = Duration::from_secs(1);

fn manager() -> LockManager {
    LockManager::new(MemoryBackend::new())
}

#[test]
fn acquire_waits_for_the_holder() {
    let manager = manager();
    let first = manager.lock("a").acquire().expect("granted");
    let token = first.token();
    let lock = manager.lock("a");
    let waiter = thread::spawn(move || lock.acquire().expect("granted").token());
    assert!(matches!(manager.lock("a").try_acquire(), Ok(None)));
    first.release().expect("released");
    assert!(waiter.join().expect("no panic") > token);
}

#[test]
fn acquire_timeout_names_the_holder_and_keeps_to_its_time() {
    let manager = manager();
    let _held = manager.lock("a").with_note("nightly import").acquire().expect("granted");
    for timeout in [Duration::from_millis(1), Duration::from_millis(200)] {
        let watch = Stopwatch::start();
        let error = manager.lock("a").acquire_timeout(timeout).expect_err("it is held");
        let (elapsed, took) = (watch.elapsed(), watch.took());
        assert!(elapsed >= timeout && took <= timeout + Stopwatch::OVERRUN, "{elapsed:?}, {took:?} for {timeout:?}");
        let Error::Timeout { waited, holder: Some(holder) } = error else { panic!("{error:?}") };
        assert_eq!((waited, holder.note.as_deref()), (timeout, Some("nightly import")));
    }
    let zero = manager.lock("a").acquire_timeout(Duration::ZERO);
    assert!(matches!(zero, Err(Error::InvalidOption { option: "timeout", .. })));
    assert!(manager.lock("b").acquire_timeout(Duration::MAX).is_ok(), "the longest time is no overflow");
}

#[test]
fn bad_input_is_a_typed_error() {
    let manager = manager();
    assert!(matches!(manager.lock("").acquire(), Err(Error::InvalidName(_))));
    assert!(matches!(manager.lock("a\n").try_acquire(), Err(Error::InvalidName(_))));
    assert!(matches!(manager.inspect("x".repeat(513)), Err(Error::InvalidName(_))));
    let lock = manager.lock("a").with_ttl(Duration::from_millis(999));
    assert!(matches!(lock.acquire(), Err(Error::InvalidOption { option: "ttl", .. })));
    let built = LockManager::builder(MemoryBackend::new()).namespace("a/b").build();
    assert!(matches!(built, Err(Error::InvalidOption { option: "namespace", .. })));
}

#[test]
fn a_guard_tells_what_it_is() {
    let manager = manager();
    let guard = manager.lock("a").with_ttl(10 * SECOND).acquire().expect("granted");
    assert_eq!(guard.name(), "a");
    assert!(guard.is_held());
    guard.ensure_held().expect("held");
    guard.renew().expect("renewed");
    let left = guard.remaining();
    assert!(left > 8 * SECOND && left < 10 * SECOND, "{left:?}");
    assert_eq!(guard.wait_lost_timeout(Duration::from_millis(20)), None);
    let debug = format!("{guard:?}");
    assert!(debug.contains(&guard.token().to_string()) && debug.contains("\"a\""), "{debug}");
    let seen = manager.inspect("a").expect("the store answers").expect("held");
    assert_eq!(seen.token, guard.token());
    guard.release().expect("released");
    assert_eq!(manager.inspect("a").expect("the store answers"), None);
}

#[test]
fn a_manager_s_options_count() {
    let builder = LockManager::builder(MemoryBackend::new()).namespace("shop").label("till-1").ttl(5 * SECOND);
    let builder = builder.safety_margin(SECOND).poll_limits(Duration::from_millis(1), SECOND);
    let manager = builder.call_timeout(SECOND).outage_limit(SECOND).build().expect("good options");
    let guard = manager.lock("a").acquire().expect("granted");
    assert!(guard.remaining() <= 4 * SECOND, "5 s less the margin");
    let listed = manager.list("").expect("the store answers");
    assert_eq!((listed[0].name.as_str(), listed[0].host.as_deref()), ("a", Some("till-1")));
}

#[test]
fn with_releases_and_returns_what_the_work_returns() {
    let manager = manager();
    let token = manager.lock("a").with(|guard| guard.token()).expect("granted");
    assert!(manager.lock("a").try_acquire().expect("the store answers").expect("it is free").token() > token);
}

#[test]
fn with_tells_a_loss_after_the_work() {
    let manager = manager();
    let mut ran = false;
    let lost = manager.lock("a").with(|guard| {
        manager.force_break("a").expect("broken");
        let renewed = guard.renew();
        assert!(matches!(renewed, Err(Error::Lost { reason: LossReason::Taken })), "{renewed:?}");
        ran = true;
    });
    assert!(ran && matches!(lost, Err(Error::Lost { reason: LossReason::Taken })), "{lost:?}");
}

#[test]
fn a_stale_holder_is_told_by_release() {
    let manager = manager();
    let stale = manager.lock("a").acquire().expect("granted");
    manager.force_break("a").expect("broken");
    let live = manager.lock("a").acquire().expect("granted");
    assert!(matches!(stale.release(), Err(Error::Lost { reason: LossReason::Taken })));
    assert!(live.is_held() && manager.inspect("a").expect("the store answers").is_some());
}

#[test]
fn a_lease_is_renewed_while_no_call_is_made() {
    let guard = manager().lock("a").with_ttl(2 * SECOND).acquire().expect("granted");
    thread::sleep(4 * SECOND);
    assert!(guard.is_held(), "renewal needs no call");
    guard.release().expect("released");
}

#[test]
fn wait_lost_returns_at_the_deadline() {
    let lock = manager().lock("a").with_ttl(SECOND).with_auto_renew(false);
    let guard = lock.acquire().expect("granted");
    let left = guard.remaining();
    let watch = Stopwatch::start();
    assert_eq!(guard.lost().reason, LossReason::Expired);
    let took = watch.took();
    assert!(took <= left + Stopwatch::OVERRUN && took < SECOND, "{took:?} of {left:?}");
    assert!(!guard.is_held() && guard.remaining().is_zero());
}

#[test]
fn on_lost_calls_once_for_a_loss_and_never_for_a_release() {
    let (alarm, told) = mpsc::channel();
    let manager = manager();
    let lock = manager.lock("a").with_max_hold(Duration::from_millis(100));
    let (released, dropped) = (lock.acquire().expect("granted"), manager.lock("b").acquire().expect("granted"));
    for (guard, name) in [(&released, "released"), (&dropped, "dropped")] {
        let alarm = alarm.clone();
        guard.on_lost(move |loss| alarm.send((name, loss.reason)).expect("somebody hears"));
    }
    released.release().expect("released");
    drop(dropped);

    let lost = lock.acquire().expect("granted");
    lost.on_lost(move |loss| alarm.send(("lost", loss.reason)).expect("somebody hears"));
    assert_eq!(told.recv_timeout(10 * SECOND), Ok(("lost", LossReason::MaxHold)));
    // All alarms are gone: no other has gone off.
    assert_eq!(told.recv_timeout(10 * SECOND), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_ticket_goes_from_one_api_to_the_other() {
    let store = MemoryBackend::new();
    let (one, another) = (LockManager::new(store.clone()), LockManager::new(store.clone()));
    let guard = one.lock("a").acquire().expect("granted");
    let token = guard.token();
    let resumed = another.resume(guard.detach()).expect("it is still held");
    assert_eq!((resumed.token(), resumed.name()), (token, "a"));

    let ticket = resumed.detach();
    shylock_sync::block_on(async {
        let guard = shylock_core::LockManager::new(store).resume(ticket).await.expect("it is still held");
        assert_eq!(guard.token(), token);
        guard.release().await.expect("released");
    });
    assert!(one.lock("a").try_acquire().expect("the store answers").is_some());
}

/// A call that waits stays with the manager that it began with.
#[test]
fn a_lock_with_a_manager_of_its_own_needs_no_default() {
    let manager = manager();
    let lock = Lock::from(AsyncLock::new("a").with_manager(manager.as_async().clone()));
    let guard = lock.acquire().expect("granted");
    assert_eq!(guard.token(), manager.list("").expect("the store answers")[0].token);
}

#[test]
fn an_async_lock_becomes_a_blocking_one() {
    let manager = shylock_core::LockManager::new(MemoryBackend::new());
    let lock = Lock::from(manager.lock("a").with_ttl(5 * SECOND));
    let guard = lock.acquire().expect("granted");
    assert!(guard.remaining() < 5 * SECOND);
}

/// One holder, and ten threads whose time is over one after the other: each learns who holds it.
#[test]
fn waiters_whose_time_is_over_name_the_holder() {
    let manager = manager();
    let _held = manager.lock("a").with_note("the import").acquire().expect("granted");
    let waiters = (0..10).map(|number| {
        let lock = manager.lock("a");
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20 * number));
            lock.acquire_timeout(Duration::from_millis(300)).expect_err("it is held")
        })
    });
    for waiter in waiters.collect::<Vec<_>>() {
        let error = waiter.join().expect("no panic");
        let Error::Timeout { holder: Some(holder), .. } = error else { panic!("{error:?}") };
        assert_eq!(holder.note.as_deref(), Some("the import"));
    }
}

/// Eighty threads ask a store that answers twenty calls a second: the last of them waits for longer than a call may take.
#[test]
fn a_call_that_waits_behind_others_of_its_process_is_not_late() {
    let store = Slow::to_acquire(Duration::from_millis(50));
    let core = shylock_core::LockManager::builder(store).call_timeout(2 * SECOND);
    let manager = LockManager::from(core.build().expect("good options"));
    let calls = (0..80).map(|number| {
        let lock = manager.lock(format!("{number}"));
        thread::spawn(move || lock.try_acquire().expect("answered").expect("it is free"))
    });
    let guards: Vec<_> = calls.collect::<Vec<_>>().into_iter().map(|call| call.join().expect("no panic")).collect();
    assert!(guards.iter().all(shylock_sync::LockGuard::is_held));
}
