//! Where servers can come from in this run.

use std::{io::Write, sync::Once};

use shylock_tests::Source;

/// The sources to test: all that start servers, or the given server and nothing else.
pub(crate) async fn all() -> Vec<Source> {
    static SAID: Once = Once::new();
    match Source::chosen().await {
        Source::Given => {
            SAID.call_once(|| {
                say("SHYLOCK_TEST_MONGODB is set: no test starts a server, and the topology is not tested")
            });
            vec![Source::Given]
        }
        Source::ChildProcess => {
            SAID.call_once(|| say("no containers in this run: only child processes are tested"));
            vec![Source::ChildProcess]
        }
        image => vec![image, Source::ChildProcess],
    }
}

/// Prints a line that libtest does not capture.
fn say(text: &str) {
    writeln!(std::io::stderr(), "shylock-tests: {text}").expect("a stderr");
}
