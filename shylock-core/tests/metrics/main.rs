//! The numbers of `OBSERVABILITY.md`: each is told, and is right.

#![allow(clippy::future_not_send, reason = "all of it runs on one thread")]

mod holding;
mod recorder;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tables.rs"]
mod tables;
mod waiting;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use recorder::Numbers;
use support::Faulty;
use tables::rows;
use tokio::{runtime::Builder, task::yield_now};

/// Runs a scenario on paused time, and counts. What it answers is dropped after the runtime.
fn count<T>(numbers: &Numbers, scenario: impl AsyncFnOnce(&Numbers, Faulty) -> T) {
    /// One number is the smallest of the process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _only = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    metrics::with_local_recorder(numbers, || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let left = runtime.block_on(scenario(numbers, Faulty::default()));
        drop(runtime);
        drop(left);
    });
}

/// Lets all tasks do what they can do now.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[track_caller]
fn assert_samples(numbers: &Numbers, series: &str, expected: &[f64]) {
    let samples = numbers.samples(series);
    let close = samples.iter().zip(expected).all(|(sample, expected)| (sample - expected).abs() < 0.5);
    assert!(samples.len() == expected.len() && close, "{series}: {samples:?}, not {expected:?}");
}

/// Counters and gauges, by name and label.
#[track_caller]
fn assert_values<const N: usize>(numbers: &Numbers, expected: [(&str, f64); N]) {
    for (series, expected) in expected {
        let value = numbers.value(&format!("shylock_{series}"));
        assert!((value - expected).abs() < 0.01, "{series}: {value}, not {expected}");
    }
}

macro_rules! scenarios {
    ($($module:ident::$scenario:ident),+ $(,)?) => {
        $(#[test]
        fn $scenario() {
            count(&Numbers::default(), $module::$scenario);
        })+

        /// All that is documented is told with its kind and unit, and nothing else is.
        #[test]
        fn the_table_is_what_is_told() {
            let mut told = Told::default();
            $({
                let numbers = Numbers::default();
                count(&numbers, $module::$scenario);
                told.add(&numbers);
            })+
            told.assert_documented();
        }
    };
}

/// What was told in all scenarios.
#[derive(Default)]
struct Told {
    described: BTreeSet<(String, String, String)>,
    kinds: BTreeSet<(String, String)>,
    labels: BTreeSet<(String, String, String)>,
}

impl Told {
    fn add(&mut self, numbers: &Numbers) {
        let described = numbers.described().into_iter();
        self.described.extend(described.map(|(name, kind, unit)| (name, kind.to_owned(), unit.to_owned())));
        self.kinds.extend(numbers.kinds().into_iter().map(|(name, kind)| (name, kind.to_owned())));
        self.labels.extend(numbers.labels());
    }

    fn assert_documented(&self) {
        let (mut documented, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for row in rows("Numbers") {
            let [name, kind, unit, label, ..] = &row[..] else { panic!("{row:?}") };
            documented.insert((name.clone(), kind.clone(), unit.clone()));
            if let Some((label, values)) = label.split_once(": ") {
                labels.extend(values.split(", ").map(|value| (name.clone(), label.to_owned(), value.to_owned())));
            }
        }
        assert_eq!(self.described, documented);
        assert_eq!(self.labels, labels);
        assert_eq!(self.kinds, documented.into_iter().map(|(name, kind, _)| (name, kind)).collect());
    }
}

scenarios![
    waiting::a_grant_and_a_release,
    waiting::who_waits_gets_the_lock_or_not,
    waiting::a_crowd_whose_time_is_over,
    waiting::a_lock_is_handed_over,
    waiting::a_store_that_fails,
    holding::renewals_and_what_was_left,
    holding::a_loss_by_silence,
    holding::a_loss_to_another_and_by_time,
    holding::a_release_while_a_renewal_is_under_way,
    holding::the_smallest_margin_is_that_of_all_managers,
    holding::a_guard_that_goes_to_another_hand,
    holding::the_end_of_the_runtime,
];
