//! P7: a loss is never silent, and is told before another can enter.

mod support;

use shylock_core::{Error, LockManager, LossReason};
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::{Instant, sleep, timeout};

/// The default lease and its margin.
const TTL: u64 = 30;
const TOLD_AT: u64 = TTL - 2;

#[tokio::test(start_paused = true)]
async fn renewal_keeps_a_lock_for_hours_with_the_same_token() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    sleep(s(3 * 3600)).await;
    assert!(guard.is_held() && guard.remaining() > s(TTL / 2));
    assert_eq!(store.holder("x").await.expect("held").token, guard.token());
    let calls = store.calls(Op::Renew);
    assert!((1000..1200).contains(&calls), "one renewal each ten seconds, not {calls}");
}

/// Two and a half thousand leases that began at different times: requests of up to a thousand, and few of them.
#[tokio::test(start_paused = true)]
async fn renewals_of_many_leases_are_batched() {
    let store = Faulty::default();
    let manager = store.manager();
    let mut guards = Vec::new();
    for number in 0..2500 {
        guards.push(manager.lock(format!("{number}")).acquire().await.expect("granted"));
        sleep(ms(2)).await;
    }
    let before = store.calls(Op::Renew);
    sleep(s(600)).await;
    let calls = store.calls(Op::Renew) - before;
    // Sixty to seventy-five rounds, each of one to three batches for those that began within two seconds.
    assert!((100..=400).contains(&calls), "{calls} requests for {} renewals", 2500 * 60);
    assert!(guards.iter().all(shylock_core::AsyncLockGuard::is_held));
}

/// Eight thousand leases on a store that takes its time: no flood of requests, which would wait in its client.
#[tokio::test(start_paused = true)]
async fn renewals_do_not_flood_the_store() {
    let store = Faulty::default();
    let manager = store.manager();
    let mut guards = Vec::new();
    for number in 0..8_000 {
        guards.push(manager.lock(format!("{number}")).acquire().await.expect("granted"));
    }
    store.on(Op::Renew, Fault::Delays(s(1)));
    sleep(s(200)).await;
    assert!(guards.iter().all(shylock_core::AsyncLockGuard::is_held));
    assert_eq!((store.most_under_way(Op::Renew), store.largest_batch(Op::Renew)), (4, 1000));
    // One that hangs gives its place to the next.
    store.next(4, Op::Renew, Fault::Hangs);
    sleep(s(60)).await;
    assert!(guards.iter().all(shylock_core::AsyncLockGuard::is_held));
}

#[tokio::test(start_paused = true)]
async fn failed_renewals_are_repeated_and_are_no_loss() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    for fault in [Fault::Refuses(None), Fault::LosesRequest, Fault::LosesAnswer, Fault::Hangs, Fault::HangsAfter] {
        store.on(Op::Renew, fault);
        sleep(s(15)).await;
        guard.ensure_held().unwrap_or_else(|_| panic!("{fault:?} for 15 s cost the lock"));
        store.heal();
        sleep(s(10)).await;
        assert!(guard.remaining() > s(15), "renewed after {fault:?}: {:?}", guard.remaining());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_store_is_told_at_the_deadline_also_while_the_call_hangs() {
    for fault in [Fault::Hangs, Fault::LosesRequest, Fault::Refuses(Some(s(100)))] {
        let store = Faulty::default();
        let asked = Instant::now();
        let guard = store.manager().lock("x").acquire().await.expect("granted");
        store.on(Op::Renew, fault);
        let lost = tokio::spawn(guard.lost());
        sleep(s(TOLD_AT) - ms(100)).await;
        assert!(guard.is_held() && !lost.is_finished(), "{fault:?}: not yet");
        let loss = timeout(ms(150), lost).await.expect("told in time").expect("no panic");
        assert_eq!(loss.reason, LossReason::Expired);
        assert!(asked.elapsed() < s(TTL), "before another can enter");
        assert!(!guard.is_held() && guard.remaining().is_zero());
        assert!(matches!(guard.ensure_held(), Err(Error::Lost { reason: LossReason::Expired })));
        assert!(store.holder("x").await.is_some(), "on the server it is still there");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_revives_a_lost_lease() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    store.on(Op::Renew, Fault::Hangs);
    sleep(s(24)).await;
    store.on(Op::Renew, Fault::Delays(s(4)));
    guard.lost().await;
    sleep(s(TTL)).await;
    assert!(store.holder("x").await.is_some(), "the last renewal came through on the server");
    assert!(!guard.is_held(), "but the holder had been told");
    assert!(matches!(guard.renew().await, Err(Error::Lost { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_answered_late_counts_from_its_sending() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    store.next(1, Op::Renew, Fault::HangsAfter);
    store.next(1, Op::Renew, Fault::Delays(s(4)));
    sleep(s(10) + ms(3900)).await;
    assert!(guard.remaining() < s(15), "not yet answered: {:?}", guard.remaining());
    sleep(ms(300)).await;
    let left = guard.remaining();
    assert!(left > s(23) && left < s(25), "28 s from the sending, which is 4.2 s ago: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_lock_is_told_with_the_next_renewal() {
    let store = Faulty::default();
    let manager = store.manager();
    let guard = manager.lock("x").acquire().await.expect("granted");
    manager.force_break("x").await.expect("broken").expect("it was held");
    let loss = timeout(s(11), guard.lost()).await.expect("told");
    assert_eq!(loss.reason, LossReason::Taken);
}

#[tokio::test(start_paused = true)]
async fn without_renewal_the_lease_ends_unless_it_is_renewed_by_hand() {
    let store = Faulty::default();
    let lock = store.manager().lock("x").with_auto_renew(false);
    let guard = lock.acquire().await.expect("granted");
    sleep(s(20)).await;
    guard.renew().await.expect("renewed");
    sleep(s(20)).await;
    assert!(guard.is_held());
    let loss = timeout(s(9), guard.lost()).await.expect("told");
    assert_eq!(loss.reason, LossReason::Expired);
    assert_eq!(store.calls(Op::Renew), 1);
}

#[tokio::test(start_paused = true)]
async fn max_hold_is_told_and_then_lets_others_in() {
    let store = Faulty::default();
    let manager = store.manager();
    let guard = manager.lock("x").with_max_hold(s(60)).acquire().await.expect("granted");
    sleep(s(59)).await;
    assert!(guard.is_held());
    let loss = timeout(s(2), guard.lost()).await.expect("told");
    assert_eq!(loss.reason, LossReason::MaxHold);
    let next = timeout(s(TTL), manager.lock("x").acquire()).await.expect("within a ttl").expect("granted");
    assert!(next.token() > guard.token());
}

#[tokio::test(start_paused = true)]
async fn lost_resolves_when_the_guard_goes() {
    let store = Faulty::default();
    let lock = store.manager().lock("x");
    let guard = lock.acquire().await.expect("granted");
    let told = tokio::spawn(guard.lost());
    guard.release().await.expect("released");
    assert_eq!(told.await.expect("no panic").reason, LossReason::Released);
    let guard = lock.acquire().await.expect("granted");
    let told = tokio::spawn(guard.lost());
    drop(guard);
    assert_eq!(told.await.expect("no panic").reason, LossReason::Released);
}

#[tokio::test(start_paused = true)]
async fn with_runs_the_section_and_cancels_it_when_the_lease_is_lost() {
    let store = Faulty::default();
    let manager = store.manager();
    let lock = manager.lock("x");
    let token = lock.with(async |guard| guard.token()).await.expect("done");
    manager.close().await;
    assert!(store.holder("x").await.is_none());

    store.on(Op::Renew, Fault::Hangs);
    let mut steps = 0;
    let outcome = lock
        .with(async |guard| {
            assert!(guard.token() > token);
            loop {
                sleep(s(1)).await;
                steps += 1;
            }
        })
        .await;
    assert!(matches!(outcome, Err::<(), _>(Error::Lost { reason: LossReason::Expired })));
    assert!((26..=28).contains(&steps), "cancelled at the deadline, after {steps} s");
}

#[tokio::test(start_paused = true)]
async fn with_tells_when_the_lock_turns_out_to_be_anothers_at_the_end() {
    let store = Faulty::default();
    let manager = store.manager();
    let outcome = manager.lock("x").with(async |_| manager.force_break("x").await.expect("broken").is_some()).await;
    assert!(matches!(outcome, Err(Error::Lost { reason: LossReason::Taken })));
}

#[tokio::test(start_paused = true)]
async fn with_keeps_the_result_of_the_section_when_only_the_release_fails() {
    let store = Faulty::default();
    store.on(Op::Release, Fault::Permanent);
    let outcome = store.manager().lock("x").with(async |_| 42).await;
    assert_eq!(outcome.expect("the section ran under the lock"), 42);
}

/// A simulation found it: the lease is lost, the release is sent and lost, and another gets in before it is repeated. That
/// is no release, since others may have been in while this holder still acted.
#[tokio::test(start_paused = true)]
async fn a_lost_lease_is_not_told_to_be_released_after_an_answer_that_never_came() {
    let store = Faulty::default();
    let builder = LockManager::builder(store.clone()).ttl(s(3)).safety_margin(ms(1400));
    let (here, there) = (builder.build().expect("options"), store.manager());
    let guard = here.lock("x").with_auto_renew(false).acquire().await.expect("granted");
    sleep(ms(1700)).await;
    assert!(!guard.is_held());
    store.next(1, Op::Release, Fault::LosesRequest);
    let release = tokio::spawn(guard.release());
    while store.calls(Op::Release) == 0 {
        tokio::task::yield_now().await;
    }
    there.force_break("x").await.expect("broken").expect("it was held");
    let next = there.lock("x").acquire().await.expect("granted");
    let outcome = release.await.expect("no panic");
    assert!(matches!(outcome, Err(Error::Lost { reason: LossReason::Taken })), "{outcome:?}");
    next.release().await.expect("released");
}

/// A renewal that hangs, as one that a transaction of the user's keeps waiting, is not waited for.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_due_can_be_asked_for() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    sleep(s(9)).await;
    guard.renew_if_due().await.expect("held");
    assert_eq!(store.calls(Op::Renew), 0, "it was not due");
    store.next(1, Op::Renew, Fault::Hangs);
    sleep(s(2)).await;
    assert_eq!((store.calls(Op::Renew), store.under_way(Op::Renew)), (1, 1));
    guard.renew_if_due().await.expect("renewed");
    assert!(guard.remaining() > s(TTL - 3));
    guard.renew_if_due().await.expect("held");
    assert_eq!(store.calls(Op::Renew), 2, "it is not due any more");
    store.hang_up();
    store.release("x").await;
    sleep(s(11)).await;
    let error = guard.renew_if_due().await.expect_err("lost");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{error:?}");
}

/// Nor do other leases wait with it that are due at the same time.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_kept_waiting_keeps_no_others_waiting() {
    let store = Faulty::default();
    let manager = store.manager();
    let guard = manager.lock("x").acquire().await.expect("granted");
    let others =
        [manager.lock("y").acquire().await.expect("granted"), manager.lock("z").acquire().await.expect("granted")];
    guard.renew_if_due().await.expect("held");
    store.next(1, Op::Renew, Fault::Hangs);
    sleep(s(11)).await;
    assert_eq!((store.calls(Op::Renew), store.under_way(Op::Renew)), (2, 1), "one of its own, and one of the others");
    assert!(others.iter().all(|other| other.remaining() > guard.remaining() + s(9)));
    store.hang_up();
}
