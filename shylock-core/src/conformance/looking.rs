//! What an operator sees and does: inspect, list, break.

use super::lab::{LONG, Lab, acquire, fresh_name, holder, in_time, next_millisecond, release, request};
use crate::{Failure, ListQuery, LockInfo, LockName, LossReason};

/// Breaking frees the lock, tells who had it, fences the former holder off, and lets it know.
pub async fn break_frees_and_fences(lab: Lab) {
    let (client, other) = lab.clients();
    let name = fresh_name("break");
    assert_eq!(other.force_break(&name).await.expect("the store answers"), None, "nobody holds it");
    let guard = client.try_acquire(&name).await.expect("the store answers").expect("it is free");
    let broken = other.force_break(&name).await.expect("the store answers").expect("it was held");
    assert_eq!((&broken.name, broken.token), (&name, guard.token()));
    assert_eq!(holder(&lab.b, &name).await, None);
    guard.renew().await.expect_err("the lease is gone");
    next_millisecond().await;
    let loss = in_time("the loss", guard.lost()).await;
    assert_eq!(loss.reason, LossReason::Taken);
    let next = other.try_acquire(&name).await.expect("the store answers").expect("it is free");
    assert!(next.token() > guard.token());
    next.release().await.expect("released");
}

/// Both see each held lock with its data, and none that is free.
pub async fn inspect_and_list_tell_the_truth(lab: Lab) {
    let prefix = fresh_name("list");
    let name = |suffix: &str| LockName::new(format!("{prefix}{suffix}")).expect("a valid name");
    // What could be a pattern is not one, and the order is that of the bytes.
    let names = ["$", "%", ".*", "1", "_", "a", "é", "文"].map(name);
    assert_eq!(holder(&lab.a, &names[0]).await, None);
    let mut leases = Vec::new();
    for name in names.iter().rev() {
        leases.push(acquire(&lab.a, &request(name, LONG)).await);
    }
    let freed = acquire(&lab.a, &request(&name("freed"), LONG)).await;
    release(&lab.a, &freed).await;

    for lease in &leases {
        let seen = holder(&lab.b, &lease.name).await.expect("held");
        assert_eq!((&seen.name, seen.holder, seen.token), (&lease.name, lease.holder, lease.token));
    }
    let query = |prefix: &str, after: Option<LockName>, limit| ListQuery { prefix: prefix.into(), after, limit };
    let listed = async |query| -> Vec<LockName> {
        let page = lab.b.list(&query).await.expect("the store answers");
        page.into_iter().map(|LockInfo { name, .. }| name).collect()
    };
    assert_eq!(listed(query(prefix.as_str(), None, 100)).await, names);
    assert_eq!(listed(query(prefix.as_str(), None, 3)).await, names[..3]);
    assert_eq!(listed(query(prefix.as_str(), Some(names[2].clone()), 3)).await, names[3..6]);
    assert_eq!(listed(query(name(".").as_str(), None, 100)).await, names[2..3]);
}

/// A look that fails is never an unknown outcome, since it changes nothing.
pub async fn a_failed_look_has_changed_nothing(lab: Lab) {
    let Some(store) = lab.fixture.unanswered().await else { return };
    let name = fresh_name("unanswered");
    let query = ListQuery { prefix: name.to_string(), after: None, limit: 1 };
    let inspected = in_time("inspect", store.inspect(&name)).await.map(drop);
    let listed = in_time("list", store.list(&query)).await.map(drop);
    for (look, outcome) in [("inspect", inspected), ("list", listed)] {
        let error = outcome.expect_err("there is no proper answer");
        assert_eq!(*error.failure(), Failure::NotApplied, "`{look}` may succeed later, and did nothing");
    }
}
