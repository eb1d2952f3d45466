//! No password, key or token in what these tests print and log.

use shylock_tests::search_again;

#[test]
fn nothing_that_is_printed_about_tls_has_a_secret() {
    search_again("mongo::", "Backend");
    // Where the HTTP client begins a connection, and what rustls says of it.
    search_again("arango::", "DEBUG rustls");
}
