//! What lines leave behind, and who is next.

use std::time::Duration;

use super::{
    super::place::{Place, Taken},
    *,
};
use crate::{FencingToken, HolderId, LeaseKey, clock::Moment, engine::Terms, observe::Acquire};

fn name(number: u32) -> LockName {
    LockName::new(number.to_string()).expect("valid")
}

fn lease(name: LockName) -> Arc<Lease> {
    let s = Duration::from_secs;
    let terms = Terms { ttl: s(30), margin: s(2), renews: true, max_hold: None, call_limit: s(5) };
    let token = FencingToken::new(1).expect("valid");
    let key = LeaseKey { name, holder: HolderId::from_bytes([0; 16]), token };
    Arc::new(Lease::new(key, None, terms, Moment::now(), Row::default()))
}

#[test]
fn a_name_that_nobody_waits_for_or_holds_costs_nothing() {
    let lines = Arc::new(Lines::default());
    let places: Vec<_> =
        (0..10_000).map(|number| Taken(Place::in_line(&lines, Acquire::new(&name(number), Duration::ZERO)))).collect();
    let leases: Vec<_> = (5_000..15_000).map(|number| lease(name(number))).collect();
    leases.iter().for_each(|lease| lines.hold(lease));
    drop(places);
    assert!(!lines.have_waiters());
    assert_eq!(lines.table().lines.len(), leases.len());
    leases.iter().for_each(|lease| lines.let_go(lease));
    assert_eq!(lines.table().lines.len(), 0);
    assert!(lines.table().lines.capacity() <= 2048);
}

/// The lease that came after it, by a hand-off, stays noted.
#[test]
fn letting_go_of_a_lease_lets_go_of_no_other() {
    let lines = Arc::new(Lines::default());
    let [first, second] = [lease(name(1)), lease(name(1))];
    lines.hold(&first);
    lines.hold(&second);
    lines.let_go(&first);
    let place = Place::in_line(&lines, Acquire::new(&name(1), Duration::ZERO));
    assert!(place.holder_here().is_some_and(|here| Arc::ptr_eq(&here, &second)));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_passes_the_turn_on() {
    let lines = Arc::new(Lines::default());
    let mut places: Vec<_> =
        (0..4).map(|_| Taken(Place::in_line(&lines, Acquire::new(&name(1), Duration::ZERO)))).collect();
    drop(places.remove(2));
    for place in places {
        place.0.turn().await;
    }
}
