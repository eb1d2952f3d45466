//! Small histories by hand, on both sides of each boundary.

use shylock_proof::{
    checkers::{Breach, Checker, Settings, check, secrets_in},
    history::{Answer, Before, Event, Header, What, read, write},
};

use crate::world::{MILLI, SECOND, settings};

fn at(at: u64, process: u32, what: What) -> Event {
    Event { at, process, lock: "a".into(), what }
}

fn wanted(time: u64, process: u32, call: u64) -> Event {
    at(time, process, What::Wanted { call, limit: None })
}

fn granted(time: u64, process: u32, call: u64, token: u64) -> Event {
    at(time, process, What::Granted { call, token })
}

fn asked(time: u64, process: u32, token: u64, left: u64) -> Event {
    at(time, process, What::Asked { token, held: left > 0, left })
}

fn stored(granted: u64, before: Before) -> Event {
    at(granted * MILLI, 0, What::Stored { token: granted * 1024, granted, ends: granted + 10_000, before })
}

fn breaches(checker: Checker, events: &[Event], settings: &Settings) -> Vec<Breach> {
    check(checker, events, settings).into_iter().map(|violation| violation.breach).collect()
}

fn in_order() -> Settings {
    Settings { listed_in_order: true, ..settings() }
}

#[test]
fn a_token_may_fall_only_between_calls_that_overlap() {
    let history = |begin| vec![wanted(0, 1, 1), granted(10, 1, 1, 5), wanted(begin, 2, 1), granted(20, 2, 1, 4)];
    assert_eq!(breaches(Checker::Tokens, &history(10), &settings()), []);
    assert_eq!(breaches(Checker::Tokens, &history(11), &settings()), [Breach::TokenFell]);
    assert_eq!(breaches(Checker::Tokens, &history(10), &in_order()), [Breach::TokenFell]);
}

#[test]
fn a_write_is_stale_if_it_was_sent_after_the_newer_ones_answer() {
    let history = |sent, order| {
        vec![
            at(1, 2, What::Writing { write: 1, token: 5 }),
            at(10, 2, What::Accepted { write: 1, token: 5, order: 2 }),
            at(sent, 1, What::Writing { write: 1, token: 4 }),
            at(20, 1, What::Accepted { write: 1, token: 4, order }),
        ]
    };
    let find = |sent, order| breaches(Checker::Fencing, &history(sent, order), &settings());
    assert_eq!(find(10, 1), []);
    assert_eq!(find(11, 1), [Breach::AcceptedStale]);
    assert_eq!(find(10, 3), [Breach::AcceptedFell]);
    assert_eq!(find(10, 2), [Breach::OrderTwice]);
}

#[test]
fn beliefs_may_touch_but_not_overlap() {
    let history = |last| vec![granted(0, 1, 1, 1), granted(10, 2, 1, 2), asked(last, 1, 1, 9), asked(12, 2, 2, 9)];
    let with = |last, overlap| breaches(Checker::Beliefs, &history(last), &Settings { overlap, ..settings() });
    assert_eq!(with(10, 0), []);
    assert_eq!(with(11, 0), [Breach::BeliefsOverlap]);
    assert_eq!(with(13, 3), []);
    assert_eq!(with(14, 3), [Breach::BeliefsOverlap]);
    assert_eq!(breaches(Checker::Beliefs, &history(10), &in_order()), [Breach::BeliefsOverlap]);
}

#[test]
fn a_belief_ends_with_its_release_and_its_process() {
    for end in [at(5, 1, What::Releasing { token: 1 }), at(5, 1, What::Killed)] {
        let mut history = vec![granted(0, 1, 1, 1), end, granted(6, 2, 1, 2), asked(7, 2, 2, 9)];
        history.push(asked(8, 1, 1, 9));
        assert_eq!(breaches(Checker::Beliefs, &history, &settings()), []);
        history.remove(1);
        assert_eq!(breaches(Checker::Beliefs, &history, &settings()), [Breach::BeliefsOverlap]);
    }
}

#[test]
fn two_who_hold_one_token_overlap_too() {
    let history = [granted(0, 1, 1, 1), granted(1, 2, 1, 1), asked(4, 1, 1, 9), asked(5, 2, 1, 9)];
    assert_eq!(breaches(Checker::Beliefs, &history, &settings()), [Breach::BeliefsOverlap]);
}

#[test]
fn the_grace_ends_to_the_millisecond() {
    let find = |next| {
        let history = [stored(1_000, Before::Nothing), stored(next, Before::Ended { at: 11_000 })];
        breaches(Checker::Store, &history, &settings())
    };
    assert_eq!(find(11_500), []);
    assert_eq!(find(11_499), [Breach::TakenEarly]);
}

#[test]
fn one_lost_call_explains_one_grant_that_it_can_have_brought() {
    let failed = at(3_000 * MILLI, 1, What::Failed { call: 1, error: String::new() });
    let history = |begin, grants: u64| {
        let grants = (0..grants).map(|number| stored(1_000 + number, Before::Free));
        [wanted(begin, 1, 1), failed.clone()].into_iter().chain(grants).collect::<Vec<_>>()
    };
    let find = |begin, grants| breaches(Checker::Grants, &history(begin, grants), &settings());
    assert_eq!(find(1_000 * MILLI, 1), []);
    assert_eq!(find(1_000 * MILLI + 1, 1), [Breach::Unexplained]);
    assert_eq!(find(0, 2), [Breach::Unexplained]);
}

#[test]
fn a_lock_is_left_held_after_ttl_grace_and_poll() {
    let history = |next| {
        let second = stored(11_600, Before::Ended { at: 11_000 });
        let (first, token) = (stored(1_000, Before::Nothing), 11_600 * 1024);
        let mut events = vec![wanted(0, 1, 1), first, granted(SECOND, 1, 1, 1_000 * 1024), wanted(SECOND, 2, 1)];
        events.extend([at(2 * SECOND, 1, What::Killed), second, granted(next, 2, 1, token)]);
        events
    };
    let latest = 2 * SECOND + 12_500 * MILLI;
    assert_eq!(breaches(Checker::Grants, &history(latest), &settings()), []);
    assert_eq!(breaches(Checker::Grants, &history(latest + 1), &settings()), [Breach::LeftHeld]);
    let mut excused = history(latest + 1);
    excused.push(at(3 * SECOND, 0, What::Fault { kind: "partition".into(), detail: String::new() }));
    assert_eq!(breaches(Checker::Grants, &excused, &settings()), []);
}

#[test]
fn a_call_may_take_its_slack_and_a_pause_excuses_it() {
    let took = |time| at(20 * SECOND, 1, What::Took { call: "renew".into(), limit: SECOND, time });
    let latest = SECOND + settings().slack;
    assert_eq!(breaches(Checker::Bounds, &[took(latest)], &settings()), []);
    assert_eq!(breaches(Checker::Bounds, &[took(latest + 1)], &settings()), [Breach::TookTooLong]);
    let up = 20 * SECOND - settings().slack - 1;
    let paused = |from, to| [at(from, 1, What::Paused), at(to, 1, What::Resumed), took(latest + 1)];
    assert_eq!(breaches(Checker::Bounds, &paused(19 * SECOND, up), &settings()), []);
    assert_eq!(breaches(Checker::Bounds, &paused(19 * SECOND, up - 1), &settings()), [Breach::TookTooLong]);
    let stalled = |until| [at(until, 1, What::Stalled { time: MILLI }), took(latest + 1)];
    assert_eq!(breaches(Checker::Bounds, &stalled(up), &settings()), []);
    assert_eq!(breaches(Checker::Bounds, &stalled(up - 1), &settings()), [Breach::TookTooLong]);
}

#[test]
fn a_fixed_deadline_is_the_end_of_every_word() {
    let fixed = Settings { fixed_deadlines: true, ..settings() };
    let find = |events: &[Event], settings: &Settings| breaches(Checker::Deadlines, events, settings);
    assert_eq!(find(&[asked(10, 1, 1, 100), asked(109, 1, 1, 1)], &fixed), []);
    assert_eq!(find(&[asked(10, 1, 1, 100), asked(110, 1, 1, 1)], &fixed), [Breach::PastDeadline]);
    assert_eq!(find(&[asked(10, 1, 1, 100), asked(110, 1, 1, 1)], &settings()), []);
    let lost = |time| at(time, 1, What::Lost { token: 1, reason: String::new() });
    let latest = 110 + settings().loss_delay;
    assert_eq!(find(&[asked(10, 1, 1, 100), lost(latest)], &fixed), []);
    assert_eq!(find(&[asked(10, 1, 1, 100), lost(latest + 1)], &fixed), [Breach::LossLate]);
}

#[test]
fn a_loss_may_be_told_in_the_moment_in_which_the_guard_still_holds() {
    let lost = at(10, 1, What::Lost { token: 1, reason: String::new() });
    let history = |word| [lost.clone(), asked(word, 1, 1, 5)];
    assert_eq!(breaches(Checker::Deadlines, &history(10), &settings()), []);
    assert_eq!(breaches(Checker::Deadlines, &history(11), &settings()), [Breach::HeldAgain]);
    assert_eq!(breaches(Checker::Deadlines, &history(10), &in_order()), [Breach::HeldAgain]);
}

#[test]
fn an_answer_after_the_faults_has_a_bound() {
    let healed = at(SECOND, 0, What::AllHealed);
    let find = |end| {
        let refused = at(end, 1, What::Refused { call: 1 });
        breaches(Checker::Liveness, &[wanted(0, 1, 1), healed.clone(), refused], &settings())
    };
    assert_eq!(find(SECOND + settings().wait_bound), []);
    assert_eq!(find(SECOND + settings().wait_bound + 1), [Breach::AnsweredLate]);
    assert_eq!(breaches(Checker::Liveness, &[wanted(0, 1, 1), healed], &settings()), [Breach::Unanswered]);
}

#[test]
fn secrets_are_found_by_line() {
    assert_eq!(secrets_in("a\nb hunter2 c\nd\nhunter2", &["hunter2", ""]), [2, 4]);
    assert!(secrets_in("hunter 2", &["hunter2"]).is_empty());
}

#[test]
fn a_violation_is_one_line_that_names_all() {
    let history = [granted(10, 1, 1, 7), granted(20, 2, 1, 7)];
    let found = check(Checker::Tokens, &history, &settings());
    let line = "CK-T two grants have one token: lock \"a\", process 2, tokens [7], times [10, 20]";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [line]);
}

#[test]
fn a_history_survives_its_file_and_a_torn_last_line() {
    let header = Header { seed: 7, commit: "d2bd0e1".into(), settings: serde_json::json!({ "locks": 3 }) };
    let mut events = crate::world::clean(7, 24);
    events.push(at(u64::MAX, 1, What::Released { token: 1, answer: Answer::Unknown }));
    let mut file = Vec::new();
    write(&mut file, &header, &events).expect("it is written");
    assert_eq!(read(&file[..]).expect("it is read"), (header.clone(), events.clone()));
    file.pop();
    events.pop();
    assert_eq!(read(&file[..]).expect("it is read"), (header, events));
    file.push(b'\n');
    file.extend(b"{}\n");
    assert!(read(&file[..]).expect_err("that is no event").to_string().starts_with("line "));
}
