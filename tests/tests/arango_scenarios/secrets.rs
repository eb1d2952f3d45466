//! No secret in logs, errors or `Debug`: a password and tokens that are nowhere else are searched for in all that is
//! printed.

use std::{
    fmt::Debug,
    process::{Command, Output},
};

use shylock_arango::{ArangoBackend, Credentials};
use shylock_tests::TRACE;

use crate::lab::{connected_with, manager, prepared};

/// The password of every user of these tests.
pub(crate) const PASSWORD: &str = "canary-in-the-mine";
/// What every token of the test server begins with: `{"alg":"HS256"` in base64.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiI";

/// Of all logs, where a test has failed.
const MOST_SHOWN: usize = 4000;

/// Asserts that no form of it has a secret, nor, of an error, any of the texts along its sources.
pub(crate) fn assert_silent(value: &(impl Debug + ?Sized)) {
    let text = format!("{value:?} {value:#?}");
    assert_has_no_secret("a value", &text);
    // For the search of all that is printed, and for people who look at a failure.
    eprintln!("{text}");
}

pub(crate) fn assert_has_no_secret(what: &str, text: &str) {
    for secret in [PASSWORD, TOKEN, &basic("root"), &basic("somebody")] {
        if let Some(at) = text.find(secret) {
            let line = text[..at].lines().last().unwrap_or_default();
            panic!("{what} has {secret:?} after {line:?}");
        }
    }
}

/// How the password of this user looks in a header.
fn basic(user: &str) -> String {
    let request = reqwest::Client::new().get("http://localhost").basic_auth(user, Some(PASSWORD)).build();
    let header = request.expect("a request").headers()[reqwest::header::AUTHORIZATION].clone();
    header.to_str().expect("a text").strip_prefix("Basic ").expect("its kind").trim_end_matches('=').to_owned()
}

#[tokio::test]
async fn whatever_knows_a_secret_does_not_show_it() {
    let server = prepared(arango_server::ArangoServer::builder()).await;
    let token = reqwest::Client::new().post(format!("{}/_open/auth", server.url()));
    let token = token.body(format!(r#"{{"username":"root","password":"{PASSWORD}"}}"#)).send().await;
    let token = token.expect("answered").text().await.expect("a text");
    let token = token.split('"').nth(3).expect("a token");
    assert!(token.starts_with(TOKEN), "that is what is searched for: {token}");

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
        let output = run_again(tests);
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_has_no_secret(tests, &printed);
        let end = printed.char_indices().nth_back(MOST_SHOWN).map_or(0, |(at, _)| at);
        let end = &printed[end..];
        assert!(output.status.success(), "{tests}: … {end}");
        // That something was searched at all.
        assert!(printed.contains("test result: ok") && !printed.contains("ok. 0 passed"), "{tests}: … {end}");
        assert!(printed.contains(log), "{tests}: no {log} in … {end}");
    }
}

fn run_again(tests: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a test binary"));
    command.args([tests, "--nocapture", "--test-threads=1"]).env(TRACE, "1").output().expect("it runs")
}
