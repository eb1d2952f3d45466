//! A lock that comes free by itself, some time after its holder has gone.

mod support;

use shylock_core::{Error, LossReason};
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn it_is_held_by_nobody_until_then() {
    let store = Faulty::default();
    let lock = store.manager().lock("x").with_note("the nightly import");
    let guard = lock.acquire().await.expect("granted");
    let (token, lost, left) = (guard.token(), guard.lost(), Instant::now());
    guard.release_after(s(600)).await.expect("left");
    assert_eq!(lost.await.reason, LossReason::Released);

    let held = store.holder("x").await.expect("still held");
    assert!(held.token > token, "whoever went on under the old token would be fenced off");
    assert_eq!((held.note.as_deref(), held.remaining), (Some("the nightly import"), s(600)));
    assert_eq!(held.pid, None, "the process may be gone long before");
    assert!(lock.try_acquire().await.expect("an answer").is_none());
    let next = lock.acquire().await.expect("granted");
    assert!((s(600)..s(602)).contains(&left.elapsed()), "{:?}", left.elapsed());
    assert!(next.token() > held.token);
}

/// Also where the lease had been renewed for longer than that.
#[tokio::test(start_paused = true)]
async fn it_shortens_a_long_lease() {
    let store = Faulty::default();
    let guard = store.manager().lock("x").with_ttl(s(3600)).acquire().await.expect("granted");
    guard.release_after(s(2)).await.expect("left");
    assert_eq!(store.holder("x").await.expect("still held").remaining, s(2));
    advance(s(2)).await;
    assert_eq!(store.holder("x").await, None);
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_again_until_the_store_knows() {
    for fault in [Fault::LosesRequest, Fault::LosesAnswer, Fault::Refuses(None), Fault::Delays(ms(300))] {
        let store = Faulty::default();
        let guard = store.manager().lock("x").acquire().await.expect("granted");
        store.next(2, Op::HandOff, fault);
        guard.release_after(s(60)).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert!(store.holder("x").await.expect("still held").remaining > s(58), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_left_is_told() {
    let store = Faulty::default();
    let manager = store.manager();
    let lock = manager.lock("x");
    for delay in [s(0), ms(999), s(86_401)] {
        let guard = lock.acquire().await.expect("granted");
        let error = guard.release_after(delay).await.expect_err("out of bounds");
        assert!(matches!(error, Error::InvalidOption { option: "delay", .. }), "{error:?}");
        manager.close().await;
        assert_eq!(store.holder("x").await, None, "{delay:?}: released as by a drop");
    }

    let guard = lock.acquire().await.expect("granted");
    manager.force_break("x").await.expect("broken");
    let error = guard.release_after(s(60)).await.expect_err("it was not ours any more");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{error:?}");
    assert_eq!(store.holder("x").await, None, "and it is not held on anybody's behalf");
}
