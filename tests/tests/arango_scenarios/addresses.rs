//! Addresses, names and options that cannot be right, and servers that are not there: the typed error, in its time.

use std::time::{Duration, Instant};

use shylock_arango::{ArangoBackend, ArangoBuilder, Credentials, Error, RequestError};
use tokio::net::TcpListener;

use crate::{
    lab::{DATABASE, why},
    secrets::{PASSWORD, assert_silent},
};

#[tokio::test]
async fn bad_addresses_are_named_and_not_repeated() {
    shylock_tests::trace();
    for (uri, says) in [
        (String::new(), "scheme"),
        ("localhost:8529".to_owned(), "scheme"),
        (format!("root:{PASSWORD}@localhost:8529"), "scheme"),
        ("tcp://localhost:8529".to_owned(), "`http://`"),
        ("http+tcp://localhost:8529".to_owned(), "`http://`"),
        ("ssl://localhost:8529".to_owned(), "`https://`"),
        (format!("mongodb://root:{PASSWORD}@localhost"), "neither"),
        (format!("ftp://{PASSWORD}"), "neither"),
        ("http://".to_owned(), "no URL"),
        ("http://:8529".to_owned(), "no URL"),
        ("http://localhost:99999".to_owned(), "no URL"),
        (format!("http://root:12/{PASSWORD}@localhost"), "Credentials"),
        ("http://local host:8529".to_owned(), "white space"),
        (" http://localhost:8529".to_owned(), "neither"),
        (format!("http://root:{PASSWORD}@localhost:8529"), "Credentials"),
        (format!("https://{PASSWORD}@localhost:8529"), "Credentials"),
        (format!("http://localhost:8529/?password={PASSWORD}"), "query"),
        (format!("http://localhost:8529/#{PASSWORD}"), "fragment"),
    ] {
        for builder in [(&*uri, None), ("http://127.0.0.1:1", Some(&*uri))] {
            let (first, second) = builder;
            let builder = ArangoBackend::builder();
            let builder = if let Some(second) = second { builder.endpoint(second) } else { builder };
            assert_silent(&builder);
            let error = builder.connect(first, DATABASE, Credentials::none()).await.expect_err("cannot be right");
            assert_silent(&error);
            let Error::InvalidOption { option: "uri", reason } = &error else { panic!("{uri}: {error:?}") };
            assert!(reason.contains(says), "{uri}: {reason}");
        }
    }
}

#[tokio::test]
async fn bad_names_and_options_are_refused_before_any_connection() {
    let new = ArangoBackend::builder;
    let long = "x".repeat(257);
    let cases: Vec<(&str, ArangoBuilder, &str)> = vec![
        ("", new(), "database"),
        (".", new(), "database"),
        ("..", new(), "database"),
        ("a/b", new(), "database"),
        ("a\\b", new(), "database"),
        ("a\nb", new(), "database"),
        (&long, new(), "database"),
        ("db", new().collection(""), "collection"),
        ("db", new().collection("_locks"), "collection"),
        ("db", new().collection("a/b"), "collection"),
        ("db", new().collection(&long), "collection"),
        ("db", new().retention(Duration::ZERO), "retention"),
        ("db", new().retention(Duration::from_secs(3599)), "retention"),
        ("db", new().retention(Duration::MAX), "retention"),
        ("db", new().skew_allowance(Duration::from_secs(3601)), "skew_allowance"),
        ("db", new().replication_factor(0), "replication_factor"),
        ("db", new().replication_factor(11), "replication_factor"),
        ("db", new().write_concern(0), "write_concern"),
        ("db", new().replication_factor(2).write_concern(3), "write_concern"),
        ("db", new().request_timeout(Duration::ZERO), "request_timeout"),
        ("db", new().request_timeout(Duration::MAX), "request_timeout"),
        ("db", new().connect_timeout(Duration::from_secs(61)), "connect_timeout"),
        ("db", new().root_certificate("no certificate"), "root_certificate"),
    ];
    for (database, builder, option) in cases {
        let shown = format!("{builder:?}");
        let error = builder.connect("http://127.0.0.1:1", database, Credentials::none()).await.expect_err(&shown);
        assert!(matches!(error, Error::InvalidOption { option: wrong, .. } if wrong == option), "{shown}: {error:?}");
    }
    let error = new().connect("http://127.0.0.1:1", "db", Credentials::bearer(format!("{PASSWORD}\n"))).await;
    let error = error.expect_err("no header can hold it");
    assert!(matches!(error, Error::InvalidOption { option: "credentials", .. }), "{error:?}");
    assert_silent(&error);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    shylock_tests::trace();
    // Takes connections and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mute = mute.local_addr().map(|at| (at, mute)).expect("an address");
    let credentials = || Credentials::password("root", PASSWORD);
    for (uri, within) in [
        ("http://127.0.0.1:1".to_owned(), Duration::from_secs(1)),
        (format!("https://127.0.0.1:{}", mute.0.port()), Duration::from_secs(3)),
        (format!("http://127.0.0.1:{}", mute.0.port()), Duration::from_secs(1)),
        ("http://no-such-host.invalid".to_owned(), Duration::from_secs(6)),
    ] {
        let builder = ArangoBackend::builder().request_timeout(Duration::from_millis(500));
        let since = Instant::now();
        let error = builder.connect(&uri, DATABASE, credentials()).await.expect_err("nobody listens");
        assert!(since.elapsed() < within, "{uri} took {:?}", since.elapsed());
        assert_silent(&error);
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{uri}: {error:?}");
        let why = why(&error);
        assert!(matches!(why, RequestError::Login { .. }), "{uri}: {why:?}");
    }
}
