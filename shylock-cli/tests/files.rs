//! The file of the default store and its companions, and what others do to them.

mod support;

use std::{fs, os::unix::fs::PermissionsExt};

use support::Place;

fn remove_companions(place: &Place) {
    for ending in ["-wal", "-shm"] {
        drop(fs::remove_file(place.file(&format!("locks.sqlite{ending}"))));
    }
}

/// What is to outlive the program is in the file itself when it ends, so that its log may be taken for a left-over.
#[test]
fn a_log_that_is_removed_after_the_end_holds_nothing() {
    let place = Place::on_a_file();
    assert_eq!(place.outcome(&["run", "--at-least", "1m", "k", "--", "true"]).0, 0);
    remove_companions(&place);
    let (code, stdout, stderr) = place.outcome(&["run", "--no-wait", "k", "--", "echo", "both"]);
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");

    assert_eq!(place.outcome(&["break", "--yes", "k"]).0, 0);
    remove_companions(&place);
    assert_eq!(place.outcome(&["run", "--no-wait", "k", "--", "true"]).0, 0, "it is free, and stays so");
}

/// Nobody can see the holder's lock any more: the holder ends, and until then nobody gets in.
#[test]
fn a_log_that_is_removed_under_a_holder_ends_it_and_refuses_others() {
    let place = Place::on_a_file();
    let mut holder = place.spawn(&["run", "--ttl", "45s", "k", "--", "sh", "-c", "echo in > held; exec sleep 77"]);
    place.line_in("held");
    remove_companions(&place);
    // Its next renewal is fifteen seconds away.
    let (code, _, stderr) = place.outcome(&["run", "--no-wait", "k", "--", "echo", "both"]);
    assert_eq!(code, 69, "{stderr}");
    assert!(stderr.contains("-wal") && stderr.contains("removed"), "{stderr}");
    assert_eq!(holder.code(), 75);
    let after = place.outcome(&["run", "--no-wait", "another", "--", "echo", "next"]);
    assert_eq!((after.0, after.1.as_str()), (0, "next\n"), "{}", after.2);
}

/// What may go wrong in this place is said before it does, without `-v`.
#[test]
fn a_weak_place_is_named() {
    let place = Place::on_a_file();
    assert_eq!(place.outcome(&["run", "k", "--", "true"]), (0, String::new(), String::new()));
    fs::set_permissions(place.file("locks.sqlite"), fs::Permissions::from_mode(0o660)).expect("set");
    fs::set_permissions(&place.folder, fs::Permissions::from_mode(0o1777)).expect("set");
    let (code, _, stderr) = place.outcome(&["run", "k", "--", "true"]);
    assert!(code == 0 && stderr.contains("warning: the folder") && stderr.contains("sticky"), "{code}: {stderr}");
    let report = place.json(&["doctor", "--json"]);
    let checks = report["checks"].as_array().expect("a list");
    let weak: Vec<_> = checks.iter().filter(|check| check["state"] == "weak").collect();
    assert!(weak.len() == 1 && weak[0].to_string().contains("sticky"), "{report}");
}
