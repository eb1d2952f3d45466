//! The search of all that a run of the tests has printed and logged, at the end of `.ci/run`: it finds what it is for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use shylock_tests::CANARY;

/// A file of the test's own.
struct Printed(PathBuf);

impl Printed {
    fn of(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("shylock-scan-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("written");
        Self(path)
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn search(files: &[&Path]) -> (bool, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_search_secrets")).args(files).output();
    let Output { status, stdout, stderr } = run.expect("it runs");
    (status.success(), [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
}

#[test]
fn a_secret_in_what_was_printed_fails_the_run() {
    let clean = Printed::of("clean", "running 1 test\ntest x ... ok\n");
    let spoilt = Printed::of("spoilt", &format!("running 1 test\nWARN the server refused root:{CANARY}-1\nok\n"));
    let empty = Printed::of("empty", "");
    let (passes, says) = search(&[&clean.0]);
    assert!(passes && says.contains("0 secrets in 2 lines"), "{says}");
    for files in [vec![&*spoilt.0], vec![&*spoilt.0, &*clean.0], vec![&*clean.0, &*spoilt.0]] {
        let (passes, says) = search(&files);
        assert!(!passes, "{says}");
        assert!(says.contains(":2: a password after \"WARN the server refused root:\""), "{says}");
        assert!(!says.contains(CANARY), "it is not repeated");
    }
    for nothing in [vec![], vec![&*empty.0], vec![&*clean.0, &*empty.0], vec![Path::new("/nonexistent")]] {
        let (passes, says) = search(&nothing);
        assert!(!passes, "{nothing:?}: {says}");
    }
}

/// In this order: everything is printed and logged, and searched afterwards.
#[test]
fn ci_searches_all_that_the_tests_print_and_log() {
    let ci = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run")).expect("a text");
    let at = |line: &str| ci.lines().position(|found| found.starts_with(line)).unwrap_or_else(|| panic!("no {line}"));
    let asked = at("export RUST_TEST_NOCAPTURE=1 SHYLOCK_TEST_TRACE=\"$trace\"");
    let run = at("cargo test --workspace 2>&1 | tee \"$log\"");
    let searched = at("cargo run --quiet -p shylock-tests --bin search_secrets -- \"$log\" \"$trace\"");
    assert!(asked < run && run < searched, "{asked}, {run}, {searched}");
}
