//! P1: no two leases of one name are alive at the same time.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::lab::{LONG, Lab, acquire, fresh_name, in_time, refused, request};
use crate::{AcquireRequest, Attempt, Backend, Failure, HolderInfo};

/// Thirty-two requests over two handles, all at once: one grant, and the others are told who has it.
pub async fn one_of_many_gets_a_free_lock(lab: Lab) {
    let name = fresh_name("one_of_many");
    let mut tries = JoinSet::new();
    for store in [&lab.a, &lab.b].iter().cycle().take(32) {
        let (store, request) = (Arc::clone(store), request(&name, LONG));
        tries.spawn(async move { (request.holder, in_time("an attempt", answer(&store, &request)).await) });
    }
    let (mut granted, mut told) = (Vec::new(), Vec::new());
    for (holder, attempt) in tries.join_all().await {
        match attempt {
            Attempt::Granted(grant) => granted.push((holder, grant.token)),
            Attempt::Held(info) => told.push((info.holder, info.token)),
        }
    }
    assert_eq!(granted.len(), 1, "one request is granted, not {granted:?}");
    assert!(told.iter().all(|holder| *holder == granted[0]), "the others are told the holder: {told:?}");
}

/// The store's answer. A request that was not carried out is repeated, as the engine does: a store may refuse one that
/// met another (MongoDB 4.4 does).
async fn answer(store: &Arc<dyn Backend>, request: &AcquireRequest) -> Attempt {
    loop {
        match store.try_acquire(request).await {
            Ok(attempt) => return attempt,
            Err(error) if *error.failure() == Failure::NotApplied => {}
            Err(error) => panic!("the store answers, not {error:?}"),
        }
    }
}

/// A second process is refused, sees the truth about the holder, and changes nothing.
pub async fn a_held_lock_is_refused_and_tells_its_holder(lab: Lab) {
    let name = fresh_name("held");
    let info = HolderInfo { host: Some("api-3".into()), pid: Some(4711), note: Some("nightly import".into()) };
    let lease = acquire(&lab.a, &AcquireRequest { info, ..request(&name, LONG) }).await;
    for store in [&lab.a, &lab.b] {
        let seen = refused(store, &request(&name, LONG)).await;
        assert_eq!((&seen.name, seen.holder, seen.token), (&name, lease.holder, lease.token));
        assert_eq!((seen.host.as_deref(), seen.pid), (Some("api-3"), Some(4711)));
        assert_eq!(seen.note.as_deref(), Some("nightly import"));
        assert!(seen.remaining <= LONG && seen.remaining > LONG / 2, "{seen:?}");
        assert_eq!(seen.takeover_in, seen.remaining + 2 * lab.fixture.skew_allowance());
    }
}
