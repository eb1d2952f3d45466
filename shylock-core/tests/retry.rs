//! P10 and P14: what the engine does when the store does not answer as it should.

mod support;

use shylock_core::{Error, LockManager};
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_sent_again_and_a_lost_answer_recognised() {
    for fault in [Fault::LosesRequest, Fault::LosesAnswer, Fault::Refuses(None), Fault::Hangs, Fault::HangsAfter] {
        let store = Faulty::default();
        store.next(2, Op::Acquire, fault);
        let guard = store.manager().lock("x").acquire_timeout(s(20)).await.expect("granted");
        let info = store.holder("x").await.expect("held");
        assert_eq!(info.token, guard.token(), "{fault:?}");
        assert!(guard.is_held());
    }
}

/// A grant that was found again counts from the first request that may have brought it.
#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_first_sending() {
    let store = Faulty::default();
    let asked = Instant::now();
    store.next(3, Op::Acquire, Fault::HangsAfter);
    let lock = store.manager().lock("x").with_auto_renew(false);
    let guard = lock.acquire().await.expect("granted");
    assert!(asked.elapsed() >= s(15), "three calls of five seconds each went unanswered");
    assert_eq!(guard.remaining(), s(28) - asked.elapsed());
}

/// A grant that was found again so late that the lease could be over is no grant: a new one is asked for.
#[tokio::test(start_paused = true)]
async fn a_grant_that_is_too_old_is_given_back() {
    let store = Faulty::default();
    store.next(6, Op::Acquire, Fault::HangsAfter);
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    assert!(guard.remaining() > s(20), "a fresh lease: {:?}", guard.remaining());
    assert_eq!(store.holder("x").await.expect("held").token, guard.token());
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_withdrawn() {
    let (soon, later) = (ms(10), ms(100));
    for (fault, limit) in [(Fault::LosesAnswer, soon), (Fault::LosesRequest, soon), (Fault::Delays(s(9)), later)] {
        let store = Faulty::default();
        let manager = store.manager();
        store.next(1, Op::Acquire, fault);
        let error = manager.lock("x").acquire_timeout(limit).await.expect_err("no answer in time");
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{fault:?}: not a time-out: {error:?}");
        manager.close().await;
        assert_eq!(store.holder("x").await, None, "{fault:?}");
    }
}

/// Otherwise its connection would be gone from the store's pool for good, and `close` would never end.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_answered_does_not_live_for_ever() {
    for (op, fault) in [(Op::Acquire, Fault::HangsAfter), (Op::Acquire, Fault::Hangs), (Op::Release, Fault::Hangs)] {
        let store = Faulty::default();
        let manager = store.manager();
        store.next(1, op, fault);
        drop(manager.lock("x").acquire_timeout(s(1)).await);
        timeout(s(31), manager.close()).await.unwrap_or_else(|_| panic!("{op:?} {fault:?}: it does not close"));
        assert_eq!(store.holder("x").await, None, "{op:?} {fault:?}");
        assert_eq!(store.under_way(op), 0, "{op:?} {fault:?}");
    }
}

/// Found by the model in `shylock-proof`: after a break, a repeated request brings a second lease under the id of one
/// that its holder still believes in.
#[tokio::test(start_paused = true)]
async fn what_a_repeated_request_brought_after_a_break_is_withdrawn() {
    let store = Faulty::default();
    let manager = store.manager();
    store.next(1, Op::Acquire, Fault::AnswersLate(s(7)));
    let lock = manager.lock("x").with_auto_renew(false);
    let acquiring = tokio::spawn(async move { lock.acquire().await });
    sleep(s(4)).await;
    let broken = store.holder("x").await.expect("granted, and not yet answered");
    store.release("x").await;
    // The request that is repeated after five seconds.
    store.next(1, Op::Acquire, Fault::LosesAnswerLate(s(4)));
    let guard = acquiring.await.expect("no panic").expect("granted");
    assert_eq!(guard.token(), broken.token, "the first answer came first");
    let second = store.holder("x").await.expect("the repeated request has found a free lock");
    assert!(second.token > broken.token && guard.is_held());
    sleep(s(3)).await;
    assert!(guard.is_held(), "nobody has told it");
    assert_eq!(store.holder("x").await, None, "nobody knows of the second lease");
}

#[tokio::test(start_paused = true)]
async fn no_call_outlives_its_time_though_the_store_hangs() {
    let store = Faulty::default();
    let manager = store.manager();
    let held = manager.lock("held").acquire().await.expect("granted");
    let released = manager.lock("released").acquire().await.expect("granted");
    for op in [Op::Acquire, Op::Renew, Op::Release, Op::HandOff, Op::Look] {
        store.on(op, Fault::Hangs);
    }
    let lock = manager.lock("x");
    let within = async |what: &str, limit, call: &mut dyn FnMut() -> Call| {
        let since = Instant::now();
        let failed = timeout(s(100), call()).await.unwrap_or_else(|_| panic!("{what} hangs"));
        assert!(failed, "{what} cannot have succeeded");
        assert!(since.elapsed() <= limit + ms(50), "{what} took {:?}", since.elapsed());
    };
    let (mut held, mut released) = (Some(held), Some(released));
    let call_timeout = s(5);
    within("acquire_timeout", ms(700), &mut || {
        let lock = lock.clone();
        Box::pin(async move { lock.acquire_timeout(ms(700)).await.is_err() })
    })
    .await;
    within("try_acquire", call_timeout, &mut || {
        let lock = lock.clone();
        Box::pin(async move { lock.try_acquire().await.is_err() })
    })
    .await;
    within("renew", call_timeout, &mut || {
        let held = held.take().expect("once");
        Box::pin(async move { held.renew().await.is_err() })
    })
    .await;
    within("release", call_timeout, &mut || {
        let released = released.take().expect("once");
        Box::pin(async move { released.release().await.is_err() })
    })
    .await;
    within("inspect", call_timeout, &mut || {
        let manager = manager.clone();
        Box::pin(async move { manager.inspect("x").await.is_err() })
    })
    .await;
    within("list", call_timeout, &mut || {
        let manager = manager.clone();
        Box::pin(async move { manager.list("").await.is_err() })
    })
    .await;
    within("force_break", call_timeout, &mut || {
        let manager = manager.clone();
        Box::pin(async move { manager.force_break("x").await.is_err() })
    })
    .await;
    // And the one without a time-out gives up once the store has been silent for the outage limit.
    within("acquire", s(65), &mut || {
        let lock = lock.clone();
        Box::pin(async move { lock.acquire().await.is_err() })
    })
    .await;
}

type Call = std::pin::Pin<Box<dyn Future<Output = bool>>>;

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_told_at_once() {
    let store = Faulty::default();
    let lock = store.manager().lock("x");
    store.on(Op::Acquire, Fault::Permanent);
    let since = Instant::now();
    for error in [
        lock.acquire().await.expect_err("refused"),
        lock.acquire_timeout(s(10)).await.expect_err("refused"),
        lock.try_acquire().await.expect_err("refused"),
    ] {
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert_eq!(std::error::Error::source(&error).expect("the cause").to_string(), "refused for good");
    }
    assert!(since.elapsed().is_zero());
    assert_eq!(store.calls(Op::Acquire), 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_asks_for_patience_is_left_alone() {
    let store = Faulty::default();
    store.next(3, Op::Acquire, Fault::Refuses(Some(s(2))));
    let since = Instant::now();
    let lock = store.manager().lock("x");
    let guard = lock.acquire_timeout(s(10)).await.expect("granted");
    assert!(since.elapsed() >= s(6) && store.calls(Op::Acquire) == 4);
    guard.release().await.expect("released");

    // Within the caller's deadline, which a longer wish cannot move.
    store.on(Op::Acquire, Fault::Refuses(Some(s(60))));
    let since = Instant::now();
    let error = lock.acquire_timeout(s(3)).await.expect_err("refused all the time");
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    assert!(since.elapsed() <= s(3) + ms(50));
}

#[tokio::test(start_paused = true)]
async fn acquire_puts_up_with_an_outage_up_to_its_limit() {
    let store = Faulty::default();
    store.on(Op::Acquire, Fault::Refuses(None));
    let patient = LockManager::builder(store.clone()).outage_limit(s(120)).build().expect("valid");
    let waiting = tokio::spawn(async move { patient.lock("x").acquire().await });
    tokio::time::sleep(s(100)).await;
    assert!(!waiting.is_finished());
    store.heal();
    drop(timeout(s(2), waiting).await.expect("soon").expect("no panic").expect("granted"));

    store.on(Op::Acquire, Fault::Refuses(None));
    let since = Instant::now();
    let error = store.manager().lock("y").acquire().await.expect_err("down for too long");
    assert!(matches!(error, Error::Backend { retryable: true, .. }));
    assert!(since.elapsed() >= s(60) && since.elapsed() < s(62));
}

#[tokio::test(start_paused = true)]
async fn a_release_is_repeated_until_the_store_knows() {
    let store = Faulty::default();
    let manager = store.manager();
    for fault in [Fault::Refuses(None), Fault::LosesRequest, Fault::LosesAnswer, Fault::Hangs, Fault::HangsAfter] {
        let guard = manager.lock("x").acquire().await.expect("granted");
        store.next(1, Op::Release, fault);
        drop(guard);
        manager_is_idle_or_hangs(&manager, fault).await;
        assert_eq!(store.holder("x").await, None, "{fault:?}");
    }
}

/// A call that never ends is never over; only the lock has to be free.
async fn manager_is_idle_or_hangs(manager: &LockManager, fault: Fault) {
    let idle = timeout(s(20), manager.close()).await.is_ok();
    assert_eq!(idle, !matches!(fault, Fault::Hangs | Fault::HangsAfter), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hand_off_that_fails_becomes_a_release() {
    for fault in [Fault::Refuses(None), Fault::LosesRequest, Fault::LosesAnswer, Fault::Permanent] {
        let store = Faulty::default();
        let manager = store.manager();
        let lock = manager.lock("x");
        let guard = lock.acquire().await.expect("granted");
        let waiting = tokio::spawn({
            let lock = lock.clone();
            async move { lock.acquire().await }
        });
        tokio::time::sleep(s(3)).await;
        store.on(Op::HandOff, fault);
        let token = guard.token();
        guard.release().await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        let next = timeout(s(2), waiting).await.expect("soon").expect("no panic").expect("granted");
        assert!(next.token() > token && store.calls(Op::HandOff) == 1, "{fault:?}");
        assert_eq!(store.holder("x").await.expect("held").token, next.token(), "{fault:?}");
    }
}

/// A simulation found it: `None` though nobody else was there. What had the lock was an acquisition of this very call,
/// given up after a lease's length without an answer, and on its way back to the store.
#[tokio::test(start_paused = true)]
async fn what_a_call_itself_gave_up_is_not_another_holder() {
    for heals_at in (700..1600).step_by(7) {
        let store = Faulty::default();
        let manager = LockManager::builder(store.clone()).ttl(s(1)).build().expect("options");
        store.on(Op::Acquire, Fault::LosesAnswer);
        let lock = manager.lock("x");
        let call = tokio::spawn(async move { lock.try_acquire().await });
        sleep(ms(heals_at)).await;
        store.heal();
        let guard = call.await.expect("no panic").expect("an answer");
        assert!(guard.is_some(), "refused, healed after {heals_at} ms");
    }
}
