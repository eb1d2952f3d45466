//! No secret in logs, errors or `Debug`: a password and tokens that are nowhere else are searched for in all that is
//! printed.

use shylock_arango::{ArangoBackend, Credentials};
/// The password of every user of these tests.
pub(crate) use shylock_tests::{CANARY as PASSWORD, assert_has_no_secret, assert_silent};
use shylock_tests::{search_again, secret_in};

use crate::lab::{connected_with, manager, prepared};

#[tokio::test]
async fn whatever_knows_a_secret_does_not_show_it() {
    let server = prepared(arango_server::ArangoServer::builder()).await;
    let token = reqwest::Client::new().post(format!("{}/_open/auth", server.url()));
    let token = token.body(format!(r#"{{"username":"root","password":"{PASSWORD}"}}"#)).send().await;
    let token = token.expect("answered").text().await.expect("a text");
    let token = token.split('"').nth(3).expect("a token");
    assert_eq!(secret_in(token), Some(("a JSON web token", "")), "that is what is searched for");

    let credentials =
        [Credentials::password("root", PASSWORD), Credentials::basic("root", PASSWORD), Credentials::bearer(token)];
    for credentials in credentials {
        assert_silent(&credentials);
        let builder = ArangoBackend::builder().endpoint(format!("http://root:{PASSWORD}@localhost"));
        assert_silent(&builder);
        let backend = ArangoBackend::connect(server.url(), crate::lab::DATABASE, credentials).await;
        assert_silent(&backend);
    }
    let manager = manager(&server).await;
    let guard = manager.lock("shown").acquire().await.expect("granted");
    assert_silent(&(&manager, &guard, connected_with(&server, ArangoBackend::builder()).await));
    guard.release().await.expect("released");
}

/// Runs the tests that handle secrets once more, with all logs, and searches what they print.
#[test]
fn nothing_that_the_tests_print_has_a_secret() {
    for (tests, log) in [
        ("rights::", "DEBUG"),
        ("addresses::", "DEBUG"),
        ("sessions::a_login", "DEBUG"),
        ("answers::a_proxy", "DEBUG"),
        ("vanishing::holders", "WARN shylock"),
        ("failover::", "WARN shylock"),
        ("secrets::whatever", "DEBUG"),
    ] {
        search_again(tests, log);
    }
}
