//! What people type, and what they may have meant.

mod support;

use std::fs;

use support::Place;

#[test]
fn a_name_that_is_missing() {
    let place = Place::new();
    for arguments in [
        &["run", "--", "touch", "done"][..],
        &["run", "-n", "--wait", "3", "--", "touch", "done"],
        &["run", "-n", "--", "touch", "done"],
    ] {
        let (code, _, said) = place.outcome(arguments);
        assert_eq!(code, 64, "{arguments:?}: {said}");
        assert!(!place.file("done").exists());
    }
    let (_, _, said) = place.outcome(&["run", "--", "touch", "done"]);
    assert!(said.contains("name of the lock is missing") && said.contains("shylock run NAME -- COMMAND"), "{said}");
    for (arguments, name) in [
        (&["run", "--", "-k", "sh", "-c", "echo $SHYLOCK_NAME"][..], "-k\n"),
        (&["run", "--", "k", "--", "sh", "-c", "echo $SHYLOCK_NAME"], "k\n"),
        (&["run", "sh", "--", "sh", "-c", "echo $SHYLOCK_NAME"], "sh\n"),
    ] {
        let (code, stdout, said) = place.outcome(arguments);
        assert_eq!((code, stdout.as_str()), (0, name), "{arguments:?}: {said}");
    }
}

#[test]
fn commands_that_are_none() {
    let place = Place::new();
    for (arguments, hint) in [
        (&["run", "k", "echo hi"][..], "without a shell"),
        (&["run", "k", "-c", "echo hi"], "sh -c"),
        (&["run", "k", "A=b", "echo"], "env"),
        (&["run", "k", "cd", "/"], "shell"),
        (&["run", "echo", "no-such-program"], "is it missing"),
    ] {
        let (code, _, said) = place.outcome(arguments);
        assert_eq!(code, 127, "{arguments:?}: {said}");
        assert!(said.contains("hint:") && said.contains(hint), "{arguments:?}: {said}");
    }
    let (code, _, said) = place.outcome(&["run", "k", "no-such-program"]);
    assert!(code == 127 && !said.contains("hint:"), "{said}");
}

/// A command with spaces in its name is one.
#[test]
fn commands_with_odd_names() {
    let place = Place::new();
    std::os::unix::fs::symlink("/bin/true", place.file("a b")).expect("a link");
    assert_eq!(place.outcome(&["run", "k", "./a b"]).0, 0);
}

/// Two jobs that should exclude each other and have different files do not.
#[test]
fn the_default_file_is_named() {
    let place = Place::new();
    let file = place.file(".local/state/shylock/locks.sqlite");
    let file = file.to_str().expect("text");
    let names = |said: &str| said.contains(file) && said.contains("SHYLOCK_STORE");
    let (_, _, said) = place.outcome(&["run", "-n", "k", "true"]);
    assert!(names(&said) && said.contains("made just now"), "it is new: {said}");
    let (code, _, said) = place.outcome(&["run", "-n", "k", "true"]);
    assert_eq!((code, said.as_str()), (0, ""), "a job of cron that does not wait writes no letter each time");
    let (_, _, said) = place.outcome(&["run", "k", "true"]);
    assert!(names(&said) && !said.contains("made just now"), "{said}");
    let (_, _, said) = place.outcome(&["-v", "run", "-n", "k", "true"]);
    assert!(said.contains(file), "{said}");

    // As cron does it, which does not know what a terminal's shell has set.
    let mut other = place.command(&["run", "-n", "k", "true"]);
    let output = other.env("XDG_STATE_HOME", place.file("state")).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/state/shylock/locks.sqlite") && said.contains("made just now"), "{said}");

    let named = Place::on(format!("sqlite:{}", place.file("named.sqlite").display()));
    assert_eq!(named.outcome(&["run", "k", "true"]), (0, String::new(), String::new()));
}

#[test]
fn a_run_inside_of_itself() {
    let place = Place::new();
    let program = support::PROGRAM;
    for (script, want) in [
        (format!("{program} run k -- touch done"), 64),
        (format!("{program} run --wait 1h k -- touch done"), 64),
        (format!("{program} run other -- {program} run k -- touch done"), 64),
        (format!("env -u SHYLOCK_RUN {program} run k -- touch done"), 64),
        (format!("env -u SHYLOCK_RUN SHYLOCK_TOKEN=1 {program} run --wait 0.1 k -- touch done"), 1),
        (format!("{program} run -n k -- touch done"), 1),
        (format!("{program} run other -- true"), 0),
        (format!("SHYLOCK_STORE=sqlite:{}/2.sqlite {program} run k -- true", place.folder.display()), 0),
    ] {
        let (code, _, said) = place.outcome(&["run", "k", "--", "sh", "-c", &script]);
        assert_eq!(code, want, "{script}: {said}");
        assert_eq!(said.contains("wait for itself"), want == 64, "{script}: {said}");
        assert!(!place.file("done").exists(), "{script}");
    }
}

/// What a waiter that gave up says, wherever it runs: who asked it to wait wants to know.
#[test]
fn a_wait_that_ran_out_is_reported() {
    let place = Place::new();
    let holder = place.spawn(&["run", "--note", "the import", "k", "--", "sh", "-c", "echo > held; exec sleep 77"]);
    place.line_in("held");
    let (code, _, said) = place.outcome(&["run", "--wait", "300ms", "k", "true"]);
    let by = format!("(pid {}): the import", holder.0.id());
    assert!(code == 1 && said.contains(&by) && said.contains("after 300ms"), "{said}");
    let (code, _, said) = place.outcome(&["-v", "run", "--no-wait", "k", "true"]);
    assert!(code == 1 && said.contains(&by), "{said}");
}

#[test]
fn a_lock_that_is_kept_names_no_process_that_is_gone() {
    let place = Place::new();
    assert_eq!(place.outcome(&["run", "--at-least", "1m", "k", "true"]).0, 0);
    let (code, table, _) = place.outcome(&["show", "k"]);
    assert!(code == 0 && !table.contains("(pid") && table.contains("--at-least"), "{table}");
    assert_eq!(place.json(&["show", "--json", "k"])["pid"], serde_json::Value::Null);
    let header = table.lines().next().expect("a header").to_owned();
    assert!(!header.contains("ENDS IN"), "{header}");
    fs::remove_dir_all(&place.folder).expect("it is there");
}
