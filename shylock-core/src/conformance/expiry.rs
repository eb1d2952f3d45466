//! P4 to P6, and what belongs to the end of a lease.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ClientClock,
    lab::{
        LONG, Lab, SHORT, acquire, acquire_when_free, acquired, fresh_name, holder, in_time, next_millisecond, refused,
        release, request,
    },
};
use crate::{Attempt, RenewOutcome, Renewal};

/// A lease that has ended cannot be brought back, though nobody has taken the lock: neither by renewal, nor by
/// repeating the request that brought it.
pub async fn an_expired_lease_cannot_be_renewed(lab: Lab) {
    let name = fresh_name("no_revival");
    let asked = request(&name, SHORT);
    let lease = acquire(&lab.a, &asked).await;
    in_time("the end of the lease", async {
        while let Some(info) = holder(&lab.a, &name).await {
            tokio::time::sleep(info.remaining.max(Duration::from_millis(1))).await;
        }
    })
    .await;
    let renewal = Renewal { lease: lease.clone(), ttl: LONG };
    let outcome = lab.a.renew(&[renewal]).await.expect("the store answers");
    assert_eq!(outcome, [RenewOutcome::NotHeld]);
    assert_eq!(holder(&lab.b, &name).await, None);
    if let Attempt::Granted(grant) = lab.a.try_acquire(&asked).await.expect("the store answers") {
        assert!(grant.token > lease.token, "it is another lease");
    }
}

/// A renewal for a shorter time than is left leaves the lease as long as it is; a longer one prolongs it.
pub async fn renewal_never_shortens(lab: Lab) {
    let name = fresh_name("no_shortening");
    let lease = acquire(&lab.a, &request(&name, LONG)).await;
    for (ttl, least) in [(SHORT, LONG / 2), (4 * LONG, 3 * LONG)] {
        let outcome = lab.a.renew(&[Renewal { lease: lease.clone(), ttl }]).await.expect("the store answers");
        assert_eq!(outcome, [RenewOutcome::Renewed]);
        let left = holder(&lab.b, &name).await.expect("held").remaining;
        assert!(left > least, "{left:?} left after a renewal for {ttl:?}");
    }
}

/// A lease whose holder is gone is taken by the next attempt after its end, and by somebody who waits for it, both
/// with a larger token and without any clean-up.
pub async fn an_expired_lease_is_taken_over(lab: Lab) {
    let name = fresh_name("take_over");
    let crashed = acquire(&lab.a, &request(&name, SHORT)).await;
    let granted = Instant::now();
    let next = acquire_when_free(&lab.b, &request(&name, SHORT)).await;
    assert!(granted.elapsed() < lab.taken_over_within(SHORT), "it took {:?}", granted.elapsed());
    assert!(next.token > crashed.token);

    let (_, client) = lab.clients();
    let granted = Instant::now();
    let guard = acquired(&client, &name).await;
    assert!(granted.elapsed() < lab.taken_over_within(SHORT), "a waiter took {:?}", granted.elapsed());
    assert!(guard.token() > next.token);
    guard.release().await.expect("released");
}

/// Nobody gets in before the lease has ended and twice the skew allowance has passed.
pub async fn a_lease_is_not_taken_early(lab: Lab) {
    let name = fresh_name("not_early");
    let asked = Instant::now();
    acquire(&lab.a, &request(&name, SHORT)).await;
    // Servers count in whole milliseconds.
    let least = SHORT + 2 * lab.fixture.skew_allowance() - Duration::from_millis(1);
    while asked.elapsed() < least {
        let attempt = lab.b.try_acquire(&request(&name, SHORT)).await.expect("the store answers");
        let since = asked.elapsed();
        assert!(since >= least || matches!(attempt, Attempt::Held(_)), "taken after {since:?}, not {least:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Who has repeated a request for longer than its ttl gets a full lease all the same.
pub async fn waiting_never_shortens_the_lease(lab: Lab) {
    let name = fresh_name("full_lease");
    let held = acquire(&lab.a, &request(&name, LONG)).await;
    let (waiting, since) = (request(&name, SHORT), Instant::now());
    while since.elapsed() < SHORT {
        refused(&lab.b, &waiting).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    release(&lab.a, &held).await;
    let lease = acquire(&lab.b, &waiting).await;
    let left = holder(&lab.b, &name).await.map_or(Duration::ZERO, |info| info.remaining);
    assert!(left > SHORT / 2, "{left:?} of {SHORT:?} left right after the grant of {lease:?}");
}

/// Clients whose clocks are an hour off see, and get, what all others do.
pub async fn client_clocks_have_no_say(lab: Lab) {
    for clock in [ClientClock::AnHourAhead, ClientClock::AnHourBehind] {
        let odd = lab.fixture.handle(clock).await;
        let name = fresh_name("clocks");
        let lease = acquire(&lab.a, &request(&name, LONG)).await;
        let seen = refused(&odd, &request(&name, LONG)).await;
        assert!(seen.remaining <= LONG && seen.remaining > LONG / 2, "{clock:?} sees {seen:?}");
        release(&lab.a, &lease).await;

        next_millisecond().await;
        let theirs = acquire(&odd, &request(&name, LONG)).await;
        assert!(theirs.token > lease.token);
        let seen = refused(&lab.a, &request(&name, LONG)).await;
        assert!(seen.remaining <= LONG && seen.remaining > LONG / 2, "of {clock:?} one sees {seen:?}");
        release(&odd, &theirs).await;

        next_millisecond().await;
        let attempt = lab.a.try_acquire(&request(&name, LONG)).await.expect("the store answers");
        assert!(matches!(attempt, Attempt::Granted(grant) if grant.token > theirs.token), "{attempt:?}");
    }
}
