//! Clean histories give no alarm.

use shylock_proof::{checkers::check_all, history::merge};

use crate::world::{clean, settings};

#[test]
fn a_thousand_clean_histories_give_no_alarm() {
    let mut totals = [0; 8];
    for seed in 0..1_000 {
        let report = check_all(&clean(seed, 24), &settings());
        assert!(report.is_clean(), "seed {seed}: {report}");
        let summary = report.summary;
        let counts = [
            summary.grants,
            summary.accepted,
            summary.fenced,
            summary.unknown,
            summary.untold,
            summary.killed,
            summary.paused,
            summary.takeovers.len(),
        ];
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        assert_eq!(summary.unknown, summary.resolved, "seed {seed}: the last turn leaves nothing open");
    }
    println!("grants, accepted, fenced, unknown, untold, killed, paused, take-overs: {totals:?}");
    assert!(totals.into_iter().all(|total| total > 500), "all of it happens: {totals:?}");
}

#[test]
fn clean_histories_are_clean_in_a_known_order_too() {
    let settings = shylock_proof::checkers::Settings { listed_in_order: true, ..settings() };
    for seed in 0..100 {
        let report = check_all(&merge([clean(seed, 24)]), &settings);
        assert!(report.is_clean(), "seed {seed}: {report}");
    }
}
