//! No secret in logs, errors or `Debug`: a password that is nowhere else is searched for in all that is printed.

use std::{
    fmt::Debug,
    process::{Command, Output},
};

use shylock_tests::TRACE;

/// The password of every user of these tests.
pub(crate) const PASSWORD: &str = "canary-in-the-mine";

/// Asserts that neither the `Debug` form nor, of an error, any of the texts along its sources has the password.
pub(crate) fn assert_silent(value: &(impl Debug + ?Sized)) {
    let text = format!("{value:?} {value:#?}");
    assert!(!text.contains(PASSWORD), "it has the password: {text}");
    // For `secrets.rs` to find, and for people who look at a failure.
    eprintln!("{text}");
}

/// Runs the tests that handle passwords once more, with all logs, and searches what they print.
#[test]
fn nothing_that_the_tests_print_has_the_password() {
    for tests in ["rights::", "connect::"] {
        let output = run_again(tests);
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{tests}: {printed}");
        // That something was searched at all.
        assert!(printed.contains("test result: ok") && printed.contains("Error") || printed.contains("Backend"));
        assert!(printed.contains("WARN shylock_mongo") || tests != "rights::", "no logs in {printed}");
        assert!(!printed.contains(PASSWORD), "{tests}: {printed}");
    }
}

fn run_again(tests: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a test binary"));
    command.args([tests, "--nocapture", "--test-threads=1"]).env(TRACE, "1").output().expect("it runs")
}
