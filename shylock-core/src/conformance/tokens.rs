//! P2: the tokens of one name strictly increase.

use super::lab::{LONG, Lab, acquire, fresh_name, next_millisecond, release, request};
use crate::ReleaseOutcome;

/// Twenty holders in a row, of two processes, with many acquisitions in one millisecond.
pub async fn token_grows_after_release(lab: Lab) {
    let name = fresh_name("token");
    let mut last = None;
    for store in [&lab.a, &lab.b].into_iter().cycle().take(20) {
        let lease = acquire(store, &request(&name, LONG)).await;
        assert!(Some(lease.token) > last, "{:?} came after {last:?}", lease.token);
        last = Some(lease.token);
        assert_eq!(release(store, &lease).await, ReleaseOutcome::Released);
    }
}

/// The record of an idle lock is removed, and the token grows on.
pub async fn token_grows_after_clean_up(lab: Lab) {
    let name = fresh_name("clean_up");
    let mut last = None;
    for store in [&lab.a, &lab.b].into_iter().cycle().take(4) {
        // Two acquisitions, so that one which merely starts anew cannot reach the number by chance.
        for _ in 0..2 {
            let lease = acquire(store, &request(&name, LONG)).await;
            assert!(Some(lease.token) > last, "{:?} came after {last:?}", lease.token);
            last = Some(lease.token);
            release(store, &lease).await;
            // The clean-up is a day away at least; that the clock moves on until then is all that is asked for here.
            next_millisecond().await;
        }
        lab.fixture.clean_up(&name).await;
    }
}
