//! Removes what a test process leaves behind.

fn main() {
    shylock_tests::reap();
}
