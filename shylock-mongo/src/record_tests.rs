use mongodb::bson::doc;
use shylock_core::Failure;

use super::*;

const NOW: i64 = 1_795_000_000_000;
const ME: HolderId = HolderId::from_bytes([0xa1; 16]);
const SKEW: Duration = Duration::from_millis(250);

fn name() -> LockName {
    LockName::new("a").expect("a valid name")
}

fn id(length: usize) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![0xa1; length] })
}

fn date(ms: i64) -> Bson {
    Bson::DateTime(DateTime::from_millis(ms))
}

/// The record with this field in place of its own, as it is read.
fn with(field: &str, value: impl Into<Bson>) -> Result<Option<LockInfo>, BackendError> {
    let mut record = doc! {
        "_id": "a", "owner": id(16), "token": 7_i64, "acquiredAt": date(NOW - 10_000), "expiresAt": date(NOW + 20_000),
        "host": "here", "pid": 4711_i64, "note": "x",
    };
    record.insert(field, value);
    read(&name(), Some(&doc! { "record": record, "now": date(NOW) }), SKEW)
}

fn held(record: Result<Option<LockInfo>, BackendError>) -> LockInfo {
    record.expect("sound").expect("it is held")
}

fn is_corrupt(record: &Result<Option<LockInfo>, BackendError>) -> bool {
    matches!(record, Err(error) if matches!(error.failure(), Failure::Corrupt { .. }))
}

#[test]
fn a_sound_record_is_told_as_it_is() {
    let info = held(with("more", 1));
    assert_eq!((&info.name, info.holder, info.token.get()), (&name(), ME, 7));
    assert_eq!((info.host.as_deref(), info.pid, info.note.as_deref()), (Some("here"), Some(4711), Some("x")));
    assert_eq!((info.remaining, info.takeover_in), (Duration::from_secs(20), Duration::from_millis(20_500)));
    assert_eq!(info.acquired, DateTime::from_millis(NOW - 10_000).to_system_time());
    assert_eq!(read(&name(), None, SKEW).expect("there is none"), None);
}

#[test]
fn bounds_are_kept() {
    for token in [0, -1, 1 << 53, (1 << 53) - 1, i64::MAX, i64::MIN] {
        assert!(is_corrupt(&with("token", token)), "{token}");
    }
    assert_eq!(held(with("token", (1_i64 << 53) - 2)).token.get(), (1 << 53) - 2);
    assert!(!held(with("expiresAt", date(NOW))).is_live() && held(with("expiresAt", date(NOW + 1))).is_live());
    let farthest = NOW + 25 * 60 * 60 * 1000;
    assert_eq!(held(with("expiresAt", date(farthest))).remaining, Duration::from_secs(25 * 60 * 60));
    assert!(is_corrupt(&with("expiresAt", date(farthest + 1))));
    let nobody = |ends| {
        let record = doc! { "owner": Bson::Null, "token": 7_i64, "expiresAt": date(ends) };
        read(&name(), Some(&doc! { "record": record, "now": date(NOW) }), SKEW)
    };
    assert_eq!(nobody(NOW).expect("sound"), None);
    assert!(is_corrupt(&nobody(NOW + 1)), "a lease without an owner");
}

#[test]
fn other_types_are_corrupt() {
    for token in [Bson::Int32(7), Bson::Double(7.0), Bson::Null, "7".into()] {
        assert!(is_corrupt(&with("token", token)));
    }
    let uuid = Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: vec![0xa1; 16] });
    for owner in [id(15), id(17), uuid, "a1".into(), Bson::Undefined] {
        assert!(is_corrupt(&with("owner", owner)));
    }
    assert!(is_corrupt(&with("expiresAt", NOW)) && is_corrupt(&with("expiresAt", Bson::Null)));
    let error = read(&name(), Some(&doc! { "record": 1, "now": date(NOW) }), SKEW).expect_err("no record");
    assert_eq!(*error.failure(), Failure::Ambiguous);
}

#[test]
fn a_lease_is_read_from_its_three_fields() {
    let found = doc! { "_id": "a", "owner": id(16), "token": 7_i64 };
    let lease = key(&found).expect("a lease");
    assert_eq!((lease.name, lease.holder, lease.token.get()), (name(), ME, 7));
    for (field, value) in [("_id", Bson::Null), ("owner", id(3)), ("owner", Bson::Null), ("token", Bson::Int64(0))] {
        let mut found = found.clone();
        found.insert(field, value);
        assert_eq!(key(&found), None, "{found}");
    }
}
