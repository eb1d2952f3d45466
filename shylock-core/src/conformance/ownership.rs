//! P3: only the holder with its token renews, releases or hands over; anybody else is told, and changes nothing.

use std::{sync::Arc, time::Duration};

use super::lab::{LONG, Lab, acquire, fresh_name, holder, lease, next_millisecond, refused, release, request};
use crate::{Backend, FencingToken, HandOff, LeaseKey, LockName, ReleaseOutcome, RenewOutcome, Renewal};

/// A lease that was released, and the one that came after it, with another token whatever the store makes it from.
async fn stale_and_live(lab: &Lab, name: &LockName) -> (LeaseKey, LeaseKey) {
    let stale = acquire(&lab.a, &request(name, LONG)).await;
    release(&lab.a, &stale).await;
    next_millisecond().await;
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

/// The release of a former holder, or with a wrong token, does nothing to the live lease; nor does one with the token
/// of another lease in the same batch.
pub async fn a_stale_holder_cannot_release(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_release")).await;
    for wrong in almost(&stale, &live) {
        assert_eq!(release(&lab.a, &wrong).await, ReleaseOutcome::NotHeld, "{wrong:?}");
        assert_held_by(&lab.a, &live).await;
    }
    // Twice, so that even a store that merely counts gives it another token.
    let (_, other) = stale_and_live(&lab, &fresh_name("stale_release_other")).await;
    release(&lab.b, &other).await;
    let (_, other) = stale_and_live(&lab, &other.name).await;
    let swapped = [LeaseKey { token: other.token, ..live.clone() }, LeaseKey { token: live.token, ..other.clone() }];
    let outcomes = lab.a.release(&swapped).await.expect("the store answers");
    assert_eq!(outcomes, [ReleaseOutcome::NotHeld; 2]);
    for lease in [&live, &other] {
        assert_held_by(&lab.a, lease).await;
        assert_eq!(release(&lab.b, lease).await, ReleaseOutcome::Released);
    }
}

/// The renewal of a former holder, or with a wrong token, does nothing to the live lease; nor does one with the
/// token of another lease in the same batch.
pub async fn a_stale_holder_cannot_renew(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_renew")).await;
    // Twice, so that even a store that merely counts gives it another token.
    let (_, other) = stale_and_live(&lab, &fresh_name("stale_renew_other")).await;
    release(&lab.b, &other).await;
    let (_, other) = stale_and_live(&lab, &other.name).await;
    let swapped = [LeaseKey { token: other.token, ..live.clone() }, LeaseKey { token: live.token, ..other.clone() }];
    let batches = almost(&stale, &live).into_iter().map(|wrong| vec![wrong]).chain([swapped.to_vec()]);
    for batch in batches {
        let batch: Vec<_> = batch.into_iter().map(|lease| Renewal { lease, ttl: LONG * 10 }).collect();
        let outcomes = lab.a.renew(&batch).await.expect("the store answers");
        assert_eq!(outcomes, vec![RenewOutcome::NotHeld; batch.len()], "{batch:?}");
    }
    for lease in [live, other] {
        let seen = holder(&lab.b, &lease.name).await.expect("held");
        assert!(seen.remaining <= LONG, "the lease was not prolonged: {seen:?}");
    }
}

/// A former holder, or one with a wrong token, cannot give away what is another's.
pub async fn a_stale_holder_cannot_hand_off(lab: Lab) {
    let (stale, live) = stale_and_live(&lab, &fresh_name("stale_hand_off")).await;
    for wrong in almost(&stale, &live) {
        let outcome = lab.a.hand_off(&wrong, &request(&live.name, LONG)).await.expect("the store answers");
        assert_eq!(outcome, HandOff::NotHeld, "{wrong:?}");
        assert_held_by(&lab.a, &live).await;
    }
    release(&lab.b, &live).await;
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
    let to = lease(&to, grant.token);
    assert_eq!(release(&lab.b, &to).await, ReleaseOutcome::Released);
}

/// A batch of leases that are held, and one of a name that nobody has: each gets its own answer.
pub async fn a_batch_of_releases_is_answered_one_by_one(lab: Lab) {
    let held = [fresh_name("releases_first"), fresh_name("releases_last")];
    let first = acquire(&lab.a, &request(&held[0], LONG)).await;
    let last = acquire(&lab.a, &request(&held[1], LONG)).await;
    let unknown = LeaseKey { name: fresh_name("releases_unknown"), ..first.clone() };
    let outcomes = lab.b.release(&[first, unknown, last]).await.expect("the store answers");
    assert_eq!(outcomes, [ReleaseOutcome::Released, ReleaseOutcome::NotHeld, ReleaseOutcome::Released]);
    for name in &held {
        assert_eq!(holder(&lab.a, name).await, None, "{name}");
    }
    assert_eq!(lab.a.release(&[]).await.expect("the store answers"), [], "an empty batch is no mistake");
}

/// A batch of live, released and unknown leases: each gets its own answer, and only the live ones are renewed.
pub async fn a_batch_is_answered_one_by_one(lab: Lab) {
    let names = ["batch_live", "batch_released", "batch_unknown", "batch_short"].map(fresh_name);
    let mut leases = Vec::new();
    for name in &names {
        leases.push(acquire(&lab.a, &request(name, LONG)).await);
    }
    release(&lab.a, &leases[1]).await;
    leases[2].name = fresh_name("batch_nowhere");
    let ttls = [2 * LONG, 2 * LONG, 2 * LONG, 4 * LONG];
    let batch: Vec<_> = leases.into_iter().zip(ttls).map(|(lease, ttl)| Renewal { lease, ttl }).collect();
    let outcomes = lab.a.renew(&batch).await.expect("the store answers");
    let (yes, no) = (RenewOutcome::Renewed, RenewOutcome::NotHeld);
    assert_eq!(outcomes, [yes, no, no, yes]);
    for (number, least, most) in [(0, LONG, 2 * LONG), (2, Duration::ZERO, LONG), (3, 3 * LONG, 4 * LONG)] {
        let left = holder(&lab.b, &names[number]).await.expect("held").remaining;
        assert!(left > least && left <= most, "{left:?} left of lease {number}");
    }
    assert_eq!(lab.a.renew(&[]).await.expect("the store answers"), [], "an empty batch is no mistake");
}
