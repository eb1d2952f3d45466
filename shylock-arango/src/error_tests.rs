use shylock_core::Failure;

use super::*;

fn refused(status: u16, number: u64) -> RequestError {
    RequestError::Refused { status, number, message: "as it may be".into() }
}

fn unanswered() -> RequestError {
    RequestError::Unanswered { endpoint: "http://a".into(), source: "reset".into() }
}

fn undelivered() -> RequestError {
    RequestError::Undelivered { endpoint: "http://a".into(), source: "refused".into() }
}

/// The number decides, whatever the status: that differs between versions.
#[test]
fn the_number_decides() {
    use Meaning::{Ambiguous, Blocked, Contention, Missing, NotApplied, Overloaded, Permanent};
    for (number, meaning) in [
        (1200, Contention),
        (18, Blocked),
        (21003, Overloaded),
        (38, NotApplied),
        (1203, Missing),
        (11, Permanent),
        (1004, Ambiguous),
        (32, Ambiguous),
        (99_999, Ambiguous),
    ] {
        for status in [200, 400, 401, 403, 404, 409, 412, 421, 429, 500, 501, 503] {
            assert_eq!(refused(status, number).meaning(), meaning, "{number} with {status}");
        }
    }
}

#[test]
fn what_is_no_answer_is_ambiguous_and_what_was_not_sent_is_not() {
    assert_eq!(unanswered().meaning(), Meaning::Ambiguous);
    assert_eq!(RequestError::TooLarge { limit: 1 }.meaning(), Meaning::Ambiguous);
    for status in [200, 301, 400, 401, 404, 502, 503] {
        assert_eq!(RequestError::Unreadable { status, what: "HTML" }.meaning(), Meaning::Ambiguous, "{status}");
    }
    assert_eq!(undelivered().meaning(), Meaning::NotApplied);
}

/// Whatever became of the login: the request behind it was not carried out.
#[test]
fn a_failed_login_leaves_no_doubt() {
    let login = |source| RequestError::Login { source: Arc::new(source) }.meaning();
    assert_eq!(login(unanswered()), Meaning::NotApplied);
    assert_eq!(login(undelivered()), Meaning::NotApplied);
    assert_eq!(login(refused(503, 30)), Meaning::NotApplied);
    assert_eq!(login(refused(401, 401)), Meaning::Permanent);
}

#[test]
fn the_engine_is_told_in_its_own_words() {
    let failure = |error: RequestError| error.of_write().failure().clone();
    assert_eq!(failure(refused(409, 1200)), Failure::NotApplied);
    assert_eq!(failure(refused(404, 1203)), Failure::Permanent);
    assert_eq!(failure(unanswered()), Failure::Ambiguous);
    assert_eq!(*unanswered().of_read().failure(), Failure::NotApplied, "a read changes nothing");
    assert_eq!(*refused(403, 11).of_read().failure(), Failure::Permanent);
    let busy = refused(503, 21003).of_write();
    assert_eq!((busy.failure(), busy.retry_after()), (&Failure::NotApplied, Some(RESPITE)));
}

#[test]
fn what_is_unfit_is_an_option_to_change() {
    let unfit = of_setup(RequestError::Unfit { option: "collection", reason: "no".into() }.of_write());
    assert!(matches!(unfit, Error::InvalidOption { option: "collection", .. }), "{unfit:?}");
    let refused = of_setup(refused(403, 11).of_write());
    let Error::Backend { retryable: false, source } = refused else { panic!("{refused:?}") };
    assert!(source.is::<RequestError>(), "{source:?}");
}

/// Who cannot log in because a server is busy is to come back later, like anybody else.
#[test]
fn a_login_passes_on_what_its_failure_means() {
    let login = |status, number| RequestError::Login { source: refused(status, number).into() }.meaning();
    assert_eq!(login(503, 21003), Meaning::Overloaded);
    assert_eq!(login(404, 1203), Meaning::Permanent);
    assert_eq!(login(409, 1200), Meaning::NotApplied);
}

#[test]
fn a_missing_right_is_known() {
    assert!(refused(403, 11).is_forbidden() && refused(401, 11).is_forbidden());
    assert!(!refused(404, 11).is_forbidden() && !refused(403, 1202).is_forbidden() && !unanswered().is_forbidden());
}
