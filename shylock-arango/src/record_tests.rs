use serde_json::json;
use shylock_core::Failure;

use super::*;

const NOW: f64 = 1_795_000_000.25;
const SKEW: Duration = Duration::from_millis(250);

fn name() -> LockName {
    LockName::new("invoice-42").expect("a valid name")
}

fn row() -> Value {
    json!({
        "name": "invoice-42",
        "owner": "00112233445566778899aabbccddeeff",
        "token": 1_838_080_000_000_256_u64,
        "acquiredAt": NOW - 10.0,
        "expiresAt": NOW + 20.0,
        "host": "api-3",
        "pid": 4711,
        "note": "nightly import",
        "now": NOW,
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut row = row();
    row[field] = value;
    row
}

fn held(row: &Value) -> LockInfo {
    match read(&name(), row, SKEW) {
        Ok(Some(info)) => info,
        other => panic!("{row}: {other:?}"),
    }
}

#[test]
fn a_record_of_ours_is_read() {
    let info = held(&row());
    assert_eq!(owner(info.holder), "00112233445566778899aabbccddeeff");
    assert_eq!((info.token.get(), info.pid), (1_838_080_000_000_256, Some(4711)));
    assert_eq!((info.host.as_deref(), info.note.as_deref()), (Some("api-3"), Some("nightly import")));
    assert_eq!(info.acquired, SystemTime::UNIX_EPOCH + Duration::from_secs_f64(NOW - 10.0));
    assert_eq!((info.remaining, info.takeover_in), (Duration::from_secs(20), Duration::from_millis(20_500)));
}

/// All numbers as doubles, some in the exponent form of the server.
#[test]
fn numbers_may_be_doubles() {
    let doubles = r#"{"name": "invoice-42", "owner": "00112233445566778899aabbccddeeff", "token": 1.8380800e+15,
        "acquiredAt": 1.795e+9, "expiresAt": 1.79500001e+9, "host": null, "pid": 4711.0, "note": null, "now": 1.795e+9}"#;
    let info = held(&serde_json::from_str(doubles).expect("JSON"));
    assert_eq!((info.token.get(), info.pid), (1_838_080_000_000_000, Some(4711)));
    assert_eq!(info.remaining, Duration::from_secs(10));
}

#[test]
fn a_released_record_is_free_whatever_other_clocks_say() {
    for ends in [NOW - 5.0, NOW, NOW + 0.3] {
        let mut free = with("owner", json!(""));
        free["expiresAt"] = json!(ends);
        assert_eq!(read(&name(), &free, SKEW).ok(), Some(None));
    }
}

#[test]
fn a_lease_that_ended_is_held_until_it_may_be_taken() {
    for (ended_ago, remaining, takeover_in) in [(0.0, 0, 500), (0.25, 0, 250), (0.5, 0, 0), (90.0, 0, 0)] {
        let info = held(&with("expiresAt", json!(NOW - ended_ago)));
        let ms = |ms| Duration::from_millis(ms);
        assert_eq!((info.remaining, info.takeover_in), (ms(remaining), ms(takeover_in)), "{ended_ago} s ago");
    }
}

/// Each defect of the conformance suite that JSON can express, and what else a foreign record might have.
#[test]
fn what_we_do_not_write_is_corrupt() {
    let foreign = json!({ "name": null, "owner": null, "token": null, "expiresAt": null, "now": NOW });
    let rows = [
        with("expiresAt", json!("2020-01-01T00:00:00Z")),
        with("expiresAt", Value::Null),
        with("expiresAt", json!(253_402_214_400_u64)),
        with("expiresAt", json!(-1)),
        with("expiresAt", json!([1])),
        with("expiresAt", json!(true)),
        with("owner", json!("$token")),
        with("owner", json!("00112233445566778899AABBCCDDEEFF")),
        with("owner", json!("+0112233445566778899aabbccddeeff")),
        with("owner", json!("00112233445566778899aabbccddeef")),
        with("owner", json!(7)),
        with("owner", json!(false)),
        with("owner", json!([])),
        with("owner", Value::Null),
        with("token", json!("1")),
        with("token", json!(1.5)),
        with("token", Value::Null),
        with("token", json!(0)),
        with("token", json!(-5)),
        with("token", json!(1_u64 << 53)),
        with("token", json!(FencingToken::MAX)),
        with("token", json!({ "$gt": 0 })),
        with("name", json!("invoice-43")),
        with("name", json!(1)),
        with("name", Value::Null),
        foreign,
    ];
    for row in rows {
        let error = read(&name(), &row, SKEW).expect_err("it is corrupt");
        assert!(matches!(error.failure(), Failure::Corrupt { name: of, .. } if *of == name()), "{row}: {error:?}");
    }
}

/// What holders tell is for people, and no reason to lose a lock.
#[test]
fn what_holders_tell_is_no_condition() {
    for (field, value) in [("host", json!(1)), ("pid", json!("x")), ("pid", json!(1e12)), ("note", json!({}))] {
        held(&with(field, value));
    }
    assert_eq!(held(&with("acquiredAt", json!("x"))).acquired, SystemTime::UNIX_EPOCH);
    assert_eq!(held(&with("acquiredAt", json!(1e300))).acquired, SystemTime::UNIX_EPOCH);
}

#[test]
fn an_answer_without_the_time_is_no_answer() {
    for row in [json!(null), json!([]), json!("x"), json!({}), with("now", json!("soon"))] {
        assert_eq!(*read(&name(), &row, SKEW).expect_err("no answer").failure(), Failure::Ambiguous);
    }
}

#[test]
fn what_is_missing_is_named_and_ends_are_taken_to_their_bounds() {
    let detail = |field: &str, value: Value| match read(&name(), &with(field, value), SKEW) {
        Err(error) => error.to_string(),
        Ok(record) => format!("{record:?}"),
    };
    for (field, says) in [("name", "no name"), ("token", "no token"), ("expiresAt", "no end"), ("owner", "no owner")] {
        assert!(detail(field, Value::Null).contains(says), "{field}: {}", detail(field, Value::Null));
    }
    let farthest = NOW + FARTHEST_END.as_secs_f64();
    assert!(
        detail("expiresAt", json!(farthest)).starts_with("Some") && detail("expiresAt", json!(0.0)).starts_with("Some")
    );
    assert!(
        detail("expiresAt", json!(farthest + 1.0)).contains("farther")
            && detail("expiresAt", json!(-1.0)).contains("1970")
    );
}
