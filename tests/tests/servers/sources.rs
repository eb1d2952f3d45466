//! What can be started where these tests run.

use std::io::Write;

use shylock_tests::Source;

/// The sources to test: those that start servers, as far as there are any.
pub(crate) async fn startable() -> Vec<Source> {
    match Source::chosen().await {
        Source::Given => {
            say("SHYLOCK_TEST_MONGODB is set, so that starting servers is not tested in this run");
            Vec::new()
        }
        Source::ChildProcess => {
            say("no containers here, so that only child processes are tested in this run");
            vec![Source::ChildProcess]
        }
        image => vec![image, Source::ChildProcess],
    }
}

/// Prints a line that libtest does not capture.
pub(crate) fn say(text: &str) {
    writeln!(std::io::stderr(), "shylock-tests: {text}").expect("a stderr");
}
