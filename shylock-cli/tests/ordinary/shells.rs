//! Two shells exclude each other, on each kind of store.

use std::{fs, thread};

use crate::{on_each_store, support::Place};

on_each_store!(two_shells_exclude_each_other);

/// Each shell enters and leaves ten times; who is in sees nobody else.
fn two_shells_exclude_each_other(place: &Place) {
    let script =
        "test ! -e inside || echo overlap >> log; : > inside; sleep 0.02; rm inside; echo $SHYLOCK_TOKEN >> log";
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let (code, _, stderr) = place.outcome(&["run", "demo", "--", "sh", "-c", script]);
                    assert_eq!(code, 0, "{stderr}");
                }
            });
        }
    });
    let log = fs::read_to_string(place.file("log")).expect("a log");
    let tokens: Vec<u64> = log.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("{log}"))).collect();
    assert_eq!(tokens.len(), 20);
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
}
