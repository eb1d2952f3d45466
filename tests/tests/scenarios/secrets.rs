//! No secret in logs, errors or `Debug`: a password that is nowhere else is searched for in all that is printed.

use shylock_tests::search_again;
/// The password of every user of these tests.
pub(crate) use shylock_tests::{CANARY as PASSWORD, assert_silent};

/// Runs the tests that handle passwords once more, with all logs, and searches what they print.
#[test]
fn nothing_that_the_tests_print_has_the_password() {
    search_again("rights::", "WARN shylock_mongo");
    search_again("connect::", "Backend");
}
