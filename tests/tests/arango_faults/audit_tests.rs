//! The checkers themselves: each rejects what it is there for, and takes a clean history.

use arango_server::{AuditEntry, Origin};
use serde_json::{Value, json};

use super::audit::{
    Verdict, Version, ends_never_move_back, every_version_is_a_change, leases_never_overlap, never,
    only_releases_are_lost, sound, tokens_grow,
};

type Check = fn(&[AuditEntry]) -> Verdict;
type Spoil = fn(&mut Vec<AuditEntry>);

/// A version that was committed, and whose lease ends, so many milliseconds after some moment.
fn version(at: i64, owner: &str, token: u64, ends: f64) -> AuditEntry {
    let start = 1_700_000_000_000;
    let ends = (1_700_000_000_000.0 + ends) / 1000.0;
    let document = json!({ "_rev": format!("r{at}"), "owner": owner, "token": token, "expiresAt": ends, "host": null });
    AuditEntry {
        sequence: 1,
        server_time: start + at,
        author_time: start + at,
        origin: Origin::Endpoint(0),
        database: "locks".into(),
        collection: "shylock_locks".into(),
        key: "k".into(),
        document: Some(document),
        lost: false,
    }
}

/// Granted, renewed, released; granted, left to end, taken over; released, removed, granted.
fn clean() -> Vec<AuditEntry> {
    let mut removal = version(9_000, "", 0, 0.0);
    removal.document = None;
    vec![
        version(0, "a", 10, 1_000.0),
        version(500, "a", 10, 1_500.0),
        version(800, "", 10, 800.0),
        version(900, "b", 11, 1_900.0),
        version(1_900, "c", 12, 2_900.0),
        version(2_000, "", 12, 2_000.0),
        removal,
        version(9_100, "d", 13, 9_200.0),
    ]
}

fn set(entry: &mut AuditEntry, field: &str, value: impl Into<Value>) {
    entry.document.as_mut().expect("a version")[field] = value.into();
}

/// Which of the checkers reject it.
fn rejecting(history: &[AuditEntry]) -> Vec<&'static str> {
    let checkers: [(&str, Check); 5] = [
        ("tokens", tokens_grow),
        ("overlap", |history| leases_never_overlap(history, never)),
        ("ends", ends_never_move_back),
        ("change", every_version_is_a_change),
        ("lost", only_releases_are_lost),
    ];
    checkers.into_iter().filter(|(_, check)| check(history).is_err()).map(|(name, _)| name).collect()
}

#[test]
fn a_clean_history_is_sound() {
    assert_eq!(sound(&clean(), never), Ok(()));
    assert_eq!(sound(&[], never), Ok(()));
}

#[test]
fn each_spoilt_history_is_rejected_by_the_checker_that_is_there_for_it() {
    let spoilt: [(&str, &[&str], Spoil); 15] = [
        ("a token is granted twice", &["tokens"], |h| set(&mut h[3], "token", 10)),
        ("a token falls", &["tokens"], |h| set(&mut h[4], "token", 9)),
        ("a token changes at a release", &["tokens"], |h| set(&mut h[2], "token", 11)),
        ("a token starts anew after a removal", &["tokens"], |h| set(&mut h[7], "token", 1)),
        ("granted while another is live", &["overlap"], |h| drop(h.remove(2))),
        ("granted when a renewed lease would have ended", &["overlap"], |h| {
            h.remove(2);
            (h[2].server_time, h[2].author_time) = (h[2].server_time + 300, h[2].author_time + 300);
        }),
        ("taken over a millisecond early", &["overlap"], |h| h[4].server_time -= 1),
        ("taken over by a clock that is ahead", &["overlap"], |h| {
            (h[4].server_time, h[4].author_time) = (h[4].server_time - 300, h[4].author_time + 300);
        }),
        ("granted by a clock that is behind", &["overlap"], |h| h[3].author_time -= 1),
        ("removed while it is live", &["overlap"], |h| {
            h.remove(5);
            h[5].server_time = h[4].server_time;
        }),
        ("a renewal shortens", &["ends"], |h| set(&mut h[1], "expiresAt", 1_700_000_000.9)),
        ("a version says nothing new", &["change"], |h| {
            let mut again = h[1].clone();
            set(&mut again, "_rev", "another");
            h.insert(2, again);
        }),
        ("a grant is lost", &["lost"], |h| h[7].lost = true),
        ("a renewal is lost", &["lost"], |h| h[1].lost = true),
        ("a record of something else", &["tokens", "overlap", "ends"], |h| set(&mut h[7], "expiresAt", "soon")),
    ];
    for (what, by, spoil) in spoilt {
        let mut history = clean();
        spoil(&mut history);
        assert_eq!(rejecting(&history), by, "{what}");
        assert!(sound(&history, never).is_err(), "{what}");
    }
}

#[test]
fn a_release_may_be_lost_and_the_lease_lives_on() {
    let mut history = clean();
    history[2].lost = true;
    assert_eq!(rejecting(&history), ["overlap"]);
    history.truncate(3);
    assert_eq!(rejecting(&history), [""; 0]);
}

#[test]
fn a_lock_is_handed_on_by_those_who_are_said_to() {
    let history = [version(0, "a", 10, 1_000.0), version(100, "b", 11, 1_100.0)];
    let from_to = |from: &'static str, to: &'static str| {
        move |before: &Version, after: &Version| (&*before.owner, &*after.owner) == (from, to)
    };
    assert_eq!(sound(&history, from_to("a", "b")), Ok(()));
    assert!(sound(&history, from_to("b", "a")).is_err());
    assert!(sound(&history, never).is_err());
}
