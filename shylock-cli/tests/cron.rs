//! Cron on several hosts: whoever is first does it, once.

mod support;

use std::{fs, thread};

use support::{Place, stores};

/// 100 starts from 4 processes at a time.
fn once(place: &Place) {
    let codes: Vec<i32> = thread::scope(|scope| {
        let process = |_| {
            scope.spawn(|| {
                let start = |_| {
                    place.outcome(&["run", "-n", "--at-least", "10m", "job", "--", "sh", "-c", "echo ran >> log"]).0
                };
                (0..25).map(start).collect::<Vec<_>>()
            })
        };
        let processes: Vec<_> = (0..4).map(process).collect();
        processes.into_iter().flat_map(|process| process.join().expect("no panic")).collect()
    });
    assert_eq!(codes.len(), 100);
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 0 | 1)), "{codes:?}");
    assert_eq!(fs::read_to_string(place.file("log")).expect("it ran"), "ran\n");
}

#[test]
fn a_hundred_starts_run_it_once_on_sqlite() {
    once(&Place::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_starts_run_it_once_on_mongodb() {
    let (_server, store) = stores::mongodb().await;
    tokio::task::block_in_place(|| once(&Place::on(store)));
}
