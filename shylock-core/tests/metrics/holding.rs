//! From the grant of a lock to its end.

use shylock_core::{AsyncLockGuard, Error, LockManager};
use tokio::time::sleep;

use super::{Faulty, Numbers, assert_samples, assert_values, settle};
use crate::support::{Fault, Op, ms, s};

pub(crate) async fn renewals_and_what_was_left(numbers: &Numbers, store: Faulty) {
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    sleep(s(35)).await;
    // Each after ten seconds, and a lease of 30 s less the safety margin of 2 s.
    assert_values(numbers, [("renewals_total renewed", 3.0)]);
    assert_samples(numbers, "shylock_renewal_margin_seconds", &[18.0, 18.0, 18.0]);
    store.next(1, Op::Renew, Fault::AnswersLate(s(3)));
    sleep(s(10)).await;
    assert_samples(numbers, "shylock_renewal_margin_seconds", &[18.0, 18.0, 18.0, 15.0]);
    assert_samples(numbers, "shylock_store_request_seconds renew", &[0.0, 0.0, 0.0, 3.0]);
    assert_values(numbers, [("held", 1.0), ("renewals_total failed", 0.0)]);
    guard.renew().await.expect("renewed");
    assert_values(numbers, [("renewals_total renewed", 5.0)]);
    guard.release().await.expect("released");
}

pub(crate) async fn a_loss_by_silence(numbers: &Numbers, store: Faulty) {
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    store.on(Op::Renew, Fault::Refuses(None));
    sleep(s(20)).await;
    let failed = numbers.value("shylock_renewals_total failed");
    assert!(failed >= 3.0, "{failed} renewals have failed");
    assert_values(numbers, [("losses_total expired", 0.0), ("held", 1.0)]);
    sleep(s(20)).await;
    assert_values(numbers, [("losses_total expired", 1.0), ("held", 0.0), ("renewals_total renewed", 0.0)]);
    assert_samples(numbers, "shylock_hold_seconds", &[28.0]);
    drop(guard);
    settle().await;
    assert_values(numbers, [("losses_total expired", 1.0), ("held", 0.0), ("releases_total released", 1.0)]);

    // An answer that comes after the loss.
    store.next(1, Op::Renew, Fault::AnswersLate(s(25)));
    let guard = store.manager().lock("y").with_auto_renew(false).acquire().await.expect("granted");
    sleep(s(10)).await;
    guard.renew().await.expect_err("no answer in time");
    sleep(s(30)).await;
    assert_values(numbers, [("losses_total expired", 2.0), ("renewals_total late", 1.0)]);
}

pub(crate) async fn a_loss_to_another_and_by_time(numbers: &Numbers, store: Faulty) {
    let here = store.manager();
    let guard = here.lock("x").acquire().await.expect("granted");
    store.manager().force_break("x").await.expect("broken").expect("it was held");
    sleep(s(15)).await;
    assert_values(numbers, [("renewals_total not_held", 1.0), ("losses_total taken", 1.0), ("held", 0.0)]);
    assert!(!here.repair("x").await.expect("the store answers"), "it is sound");
    assert_samples(numbers, "shylock_store_request_seconds repair", &[0.0]);
    drop(guard);
    let guard = here.lock("x").acquire().await.expect("granted");
    store.manager().force_break("x").await.expect("broken").expect("it was held");
    assert!(matches!(guard.release().await, Err(Error::Lost { .. })));
    let not_held = numbers.value("shylock_releases_total not_held");
    assert!(not_held >= 1.0);
    assert_values(numbers, [("losses_total taken", 1.0), ("held", 0.0)]);

    let _guard = here.lock("x").with_max_hold(s(5)).acquire().await.expect("granted");
    sleep(s(6)).await;
    assert_values(numbers, [("losses_total max_hold", 1.0), ("held", 0.0)]);
}

/// The release overtakes the renewal, which the store then refuses.
pub(crate) async fn a_release_while_a_renewal_is_under_way(numbers: &Numbers, store: Faulty) {
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    store.next(1, Op::Renew, Fault::Delays(s(1)));
    sleep(ms(10_500)).await;
    guard.release().await.expect("released");
    sleep(s(1)).await;
    assert_values(numbers, [("renewals_total late", 1.0), ("renewals_total not_held", 0.0), ("held", 0.0)]);
    assert_values(numbers, [("losses_total taken", 0.0), ("releases_total released", 1.0)]);
}

pub(crate) async fn the_smallest_margin_is_that_of_all_managers(numbers: &Numbers, store: Faulty) {
    let smallest = || numbers.value("shylock_smallest_margin_seconds");
    let short = LockManager::builder(store.clone()).ttl(s(6)).build().expect("options");
    let long = store.manager();
    let guard = long.lock("long").with_auto_renew(false).acquire().await.expect("granted");
    sleep(ms(3500)).await;
    assert!((24.0..26.0).contains(&smallest()), "28 s less three or four, not {}", smallest());
    let other = short.lock("short").acquire().await.expect("granted");
    sleep(ms(3500)).await;
    assert!((3.0..5.5).contains(&smallest()), "5.4 s less up to two, not {}", smallest());
    other.release().await.expect("released");
    sleep(ms(2500)).await;
    assert!((17.0..20.0).contains(&smallest()), "28 s less nine, not {}", smallest());
    guard.release().await.expect("released");
    sleep(s(2)).await;
    assert!(smallest().is_infinite(), "nothing is held, {}", smallest());
}

pub(crate) async fn a_guard_that_goes_to_another_hand(numbers: &Numbers, store: Faulty) {
    let manager = store.manager();
    let guard = manager.lock("x").acquire().await.expect("granted");
    sleep(s(2)).await;
    let ticket = guard.detach();
    assert_values(numbers, [("held", 0.0), ("releases_total released", 0.0)]);
    assert_samples(numbers, "shylock_hold_seconds", &[2.0]);
    let guard = manager.resume(ticket).await.expect("resumed");
    assert_values(numbers, [("held", 1.0), ("losses_total released", 0.0)]);
    guard.release().await.expect("released");
    assert_values(numbers, [("held", 0.0), ("releases_total released", 1.0)]);
}

/// The guard that is left is dropped after the runtime.
pub(crate) async fn the_end_of_the_runtime(numbers: &Numbers, store: Faulty) -> Left {
    let guard = store.manager().lock("x").acquire().await.expect("granted");
    let lost = store.manager().lock("y").acquire().await.expect("granted");
    assert_values(numbers, [("held", 2.0)]);
    Left { numbers: numbers.clone(), guards: vec![guard, lost] }
}

pub(crate) struct Left {
    numbers: Numbers,
    guards: Vec<AsyncLockGuard>,
}

impl Drop for Left {
    fn drop(&mut self) {
        assert_values(&self.numbers, [("losses_total stopped", 2.0), ("held", 0.0)]);
        self.guards.clear();
        assert_values(&self.numbers, [("releases_total unsent", 2.0), ("held", 0.0)]);
    }
}
