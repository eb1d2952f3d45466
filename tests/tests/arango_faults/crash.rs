//! A crash that loses whatever is not on the disk.

use std::time::Duration;

use arango_server::Restart;
use shylock_core::{Attempt, Backend};

use super::{
    audit,
    lab::{Lab, TTL, wish},
    operations::Operation,
};

/// So much is lost that only what was waited for is left.
const CRASH: Restart = Restart { closed_for: Duration::ZERO, lost: Duration::from_secs(60) };

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_undoes_no_answer_but_that_of_a_release() {
    let lab = Lab::start().await;
    for operation in Operation::ALL {
        let case = operation.prepare(&lab).await;
        let outcome = case.run(&lab.backend).await;
        assert_eq!(outcome.kind, operation.success(), "{operation:?} {outcome:?}");
        assert!(case.is_applied(&lab));
        lab.server.restart(CRASH).await.expect("restarted");
        assert_eq!(case.is_applied(&lab), operation != Operation::Release, "{operation:?}");
        // The pool may still hand out a connection from before the crash.
        lab.backend.inspect(&case.wish.name).await.ok();
        assert_eq!(case.check_repetition(&lab).await, Ok(()), "{operation:?}");
        let sound = audit::sound(&lab.history(&case.wish.name), |before, after| case.handed_on(before, after));
        assert_eq!(sound, Ok(()), "{operation:?}");
    }
}

/// A release that is lost leaves the lease to its end: nobody else gets in before.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_release_is_a_lease_that_goes_on() {
    let lab = Lab::start().await;
    let case = Operation::Release.prepare(&lab).await;
    assert_eq!(case.run(&lab.backend).await.kind, Operation::Release.success());
    lab.server.restart(CRASH).await.expect("restarted");
    lab.backend.inspect(&case.wish.name).await.ok();
    let rival = lab.backend.try_acquire(&wish(&case.wish.name, TTL)).await.expect("answered");
    assert!(matches!(rival, Attempt::Held(_)), "{rival:?}");
    assert_eq!(audit::sound(&lab.history(&case.wish.name), audit::never), Ok(()));
}
