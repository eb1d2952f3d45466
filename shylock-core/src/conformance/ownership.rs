//! P3: only the holder with its token renews, releases or hands over; anybody else is told, and changes nothing.

use std::sync::Arc;

use super::lab::{LONG, Lab, acquire, fresh_name, holder, lease, refused, request};
use crate::{Backend, FencingToken, HandOff, LeaseKey, LockName, ReleaseOutcome, RenewOutcome, Renewal};

/// A lease that was broken, and the one that came after it.
async fn stale_and_live(lab: &Lab, name: &LockName) -> (LeaseKey, LeaseKey) {
    let stale = acquire(&lab.a, &request(name, LONG)).await;
    lab.b.force_break(name).await.expect("the store answers");
    (stale, acquire(&lab.b, &request(name, LONG)).await)
}

/// Leases that are almost the live one: another holder's, or with another token.
fn almost(stale: &LeaseKey, live: &LeaseKey) -> [LeaseKey; 4] {
    let token = |value| FencingToken::new(value).expect("a token");
    let with = |holder, token| LeaseKey { name: live.name.clone(), holder, token };
    [
        stale.clone(),
        with(stale.holder, live.token),
        with(live.holder, stale.token),
        with(live.holder, token(live.token.get() + 1)),
    ]
}

async fn assert_held_by(store: &Arc<dyn Backend>, live: &LeaseKey) {
    let seen = holder(store, &live.name).await.expect("it is still held");
    assert_eq!((seen.holder, seen.token), (live.holder, live.token), "the holder has not changed");
}

/// The release of a former holder, or with a wrong token, does nothing to the live lease.
pub async fn a_stale_holder_cannot_release(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_release")).await;
    for wrong in almost(&stale, &live) {
        assert_eq!(lab.a.release(&wrong).await.expect("the store answers"), ReleaseOutcome::NotHeld, "{wrong:?}");
        assert_held_by(&lab.a, &live).await;
    }
    assert_eq!(lab.b.release(&live).await.expect("the store answers"), ReleaseOutcome::Released);
}

/// The renewal of a former holder, or with a wrong token, does nothing to the live lease.
pub async fn a_stale_holder_cannot_renew(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_renew")).await;
    for wrong in almost(&stale, &live) {
        let renewal = Renewal { lease: wrong, ttl: LONG * 10 };
        let outcome = lab.a.renew(std::slice::from_ref(&renewal)).await.expect("the store answers");
        assert_eq!(outcome, [RenewOutcome::NotHeld], "{renewal:?}");
    }
    let seen = holder(&lab.b, &live.name).await.expect("held");
    assert!(seen.remaining <= LONG, "the lease was not prolonged: {seen:?}");
}

/// A former holder, or one with a wrong token, cannot give away what is another's.
pub async fn a_stale_holder_cannot_hand_off(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_hand_off")).await;
    for wrong in almost(&stale, &live) {
        let outcome = lab.a.hand_off(&wrong, &request(&live.name, LONG)).await.expect("the store answers");
        assert_eq!(outcome, HandOff::NotHeld, "{wrong:?}");
        assert_held_by(&lab.a, &live).await;
    }
    lab.b.release(&live).await.expect("the store answers");
    let outcome = lab.b.hand_off(&live, &request(&live.name, LONG)).await.expect("the store answers");
    assert_eq!(outcome, HandOff::NotHeld, "a released lease cannot be passed on");
    assert_eq!(holder(&lab.b, &live.name).await, None);
}

/// A hand-off gives the next holder a larger token and a lease of its own length; the former one is out.
pub async fn hand_off_passes_the_lock_on(lab: Lab) {
    let name = fresh_name("hand_off");
    let from = acquire(&lab.a, &request(&name, LONG)).await;
    let to = request(&name, 2 * LONG);
    let HandOff::Granted(grant) = lab.a.hand_off(&from, &to).await.expect("the store answers") else {
        panic!("the holder could not hand over")
    };
    assert!(grant.token > from.token);
    let seen = refused(&lab.b, &request(&name, LONG)).await;
    assert_eq!((seen.holder, seen.token), (to.holder, grant.token));
    assert!(seen.remaining > LONG, "the lease is as long as the new holder asked: {seen:?}");
    assert_eq!(lab.a.release(&from).await.expect("the store answers"), ReleaseOutcome::NotHeld);
    let to = lease(&to, grant.token);
    assert_eq!(lab.b.release(&to).await.expect("the store answers"), ReleaseOutcome::Released);
}

/// A batch of live, released and mixed-up leases: each gets its own answer, and only the live one is renewed.
pub async fn a_batch_is_answered_one_by_one(lab: Lab) {
    let names = ["batch_live", "batch_released", "batch_mixed_1", "batch_mixed_2", "batch_unknown"].map(fresh_name);
    let mut leases = Vec::new();
    for name in &names[..4] {
        leases.push(acquire(&lab.a, &request(name, LONG)).await);
    }
    lab.a.release(&leases[1]).await.expect("the store answers");
    let mut mixed = leases.clone();
    (mixed[2].token, mixed[3].token) = (leases[3].token, leases[2].token);
    let (mut lost, mut found) = (leases[2].clone(), leases[0].clone());
    lost.name = names[4].clone();
    found.holder = leases[1].holder;
    mixed.extend([lost, found]);
    let batch: Vec<_> = mixed.into_iter().map(|lease| Renewal { lease, ttl: 2 * LONG }).collect();
    let outcomes = lab.a.renew(&batch).await.expect("the store answers");
    let (yes, no) = (RenewOutcome::Renewed, RenewOutcome::NotHeld);
    let tokens_differ = leases[2].token != leases[3].token;
    let mixed_up = if tokens_differ { no } else { yes };
    assert_eq!(outcomes, [yes, no, mixed_up, mixed_up, no, no]);
    let left = |info: Option<crate::LockInfo>| info.expect("held").remaining;
    assert!(left(holder(&lab.b, &names[0]).await) > LONG, "the live one is renewed");
    assert_eq!(left(holder(&lab.b, &names[2]).await) > LONG, !tokens_differ, "the mixed-up one is not");
    assert_eq!(lab.a.renew(&[]).await.expect("the store answers"), [], "an empty batch is no mistake");
}
