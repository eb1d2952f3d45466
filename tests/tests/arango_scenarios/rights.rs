//! `ro` on the database and `rw` on the collection are enough, and what is missing is told.

use std::time::Duration;

use arango_server::{ArangoServer, Builder, Level, Rights};
use serde_json::Value;
use shylock_arango::{ArangoBackend, Credentials, Error, LockManager, RequestError, Result};
use shylock_tests::{Stopwatch, live_a_whole_life};

use crate::{
    lab::{DATABASE, LOCKS, ask, connected, started, warned, why},
    secrets::{PASSWORD, assert_silent},
};

const USER: &str = "somebody";

/// A server with a user who has these rights, and nothing else; with the collection and its index, or without.
async fn server(of_database: Level, of_collection: Option<Level>, is_prepared: bool) -> ArangoServer {
    let rights = Rights::new(Level::None).database(DATABASE, of_database);
    let rights = match of_collection {
        Some(level) => rights.collection(DATABASE, LOCKS, level),
        None => rights,
    };
    let server = started(with_user(rights));
    if is_prepared {
        connected(&server).await;
    }
    server
}

fn with_user(rights: Rights) -> Builder {
    ArangoServer::builder().user(USER, PASSWORD, rights)
}

fn user() -> Credentials {
    Credentials::password(USER, PASSWORD)
}

async fn backend_of(server: &ArangoServer) -> ArangoBackend {
    connect(server).await.expect("connected")
}

async fn connect(server: &ArangoServer) -> Result<ArangoBackend> {
    ArangoBackend::connect(server.url(), DATABASE, user()).await
}

fn is_refused(error: &Error, wanted: (u16, u64)) -> bool {
    matches!(why(error), RequestError::Refused { status, number, .. } if (*status, *number) == wanted)
}

async fn is_enough_for(backend: ArangoBackend) {
    let manager = LockManager::new(backend);
    assert_silent(&manager);
    live_a_whole_life(&manager, "life").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_database_and_writing_the_collection_is_enough() {
    let server = server(Level::ReadOnly, Some(Level::ReadWrite), true).await;
    for credentials in [user(), Credentials::basic(USER, PASSWORD)] {
        assert_silent(&credentials);
        let backend = ArangoBackend::connect(server.url(), DATABASE, credentials).await.expect("connected");
        is_enough_for(backend).await;
    }
}

#[tokio::test]
async fn a_missing_right_to_the_index_is_only_warned_of() {
    let server = server(Level::ReadOnly, Some(Level::ReadWrite), false).await;
    ask(&server, "POST", "/_api/collection", &serde_json::json!({ "name": LOCKS })).await;
    let (warnings, backend) = warned(connect(&server)).await;
    assert!(warnings.contains("TTL index") && warnings.contains("`rw` on the database"), "{warnings}");
    let weaknesses = backend.as_ref().expect("connected").weaknesses().await.expect("looked");
    assert_eq!(weaknesses.len(), 2, "both are missing: {weaknesses:?}");
    is_enough_for(backend.expect("connected")).await;
    let indexes = ask(&server, "GET", &format!("/_api/index?collection={LOCKS}"), &Value::Null).await;
    assert_eq!(indexes["indexes"].as_array().map(Vec::len), Some(1), "the primary one: {indexes}");
}

#[tokio::test]
async fn writing_the_database_makes_both() {
    let server = server(Level::ReadWrite, None, false).await;
    let (warnings, backend) = warned(connect(&server)).await;
    assert_eq!(warnings, "");
    is_enough_for(backend.expect("connected")).await;
    let indexes = ask(&server, "GET", &format!("/_api/index?collection={LOCKS}"), &Value::Null).await;
    assert_eq!(indexes["indexes"].as_array().map(Vec::len), Some(3), "the primary one, and ours: {indexes}");
    assert_eq!(backend_of(&server).await.weaknesses().await.expect("looked"), [""; 0], "nothing is missing any more");
}

#[tokio::test]
async fn without_the_right_to_make_the_collection_it_says_so() {
    let server = server(Level::ReadOnly, Some(Level::ReadWrite), false).await;
    let (warnings, backend) = warned(connect(&server)).await;
    let error = backend.expect_err("the right is missing");
    assert!(warnings.contains("right to make the collection") && warnings.contains("`rw`"), "{warnings}");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert!(is_refused(&error, (403, 11)), "{error:?}");
    assert_silent(&error);

    let creating = ArangoBackend::builder().create_database(true).connect(server.url(), "another", user()).await;
    let error = creating.expect_err("that takes an administrator");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
}

/// 1004 may also be a cluster that has lost a server, which passes: it is told as that when the caller's time is over.
#[tokio::test(flavor = "multi_thread")]
async fn reading_the_collection_is_too_little() {
    let server = server(Level::ReadOnly, Some(Level::ReadOnly), true).await;
    let before = server.audit().len();
    let manager = LockManager::new(connect(&server).await.expect("connected"));
    assert_eq!(manager.inspect("x").await.expect("that may be read"), None);
    let watch = Stopwatch::start();
    let error = manager.lock("x").acquire_timeout(Duration::from_millis(300)).await.expect_err("no right");
    let took = watch.took();
    assert!(took < Duration::from_millis(350), "{took:?}");
    assert!(matches!(error, Error::Backend { .. }), "{error:?}");
    assert!(is_refused(&error, (403, 1004)), "{error:?}");
    assert!(why(&error).to_string().contains(&format!("read only: {LOCKS}")), "{error:?}");
    assert_silent(&error);
    assert_eq!(server.audit().len(), before, "nothing was changed");
}

#[tokio::test]
async fn without_rights_it_is_told_at_once() {
    for (of_database, of_collection, wanted) in
        [(Level::None, None, (401, 11)), (Level::ReadOnly, Some(Level::None), (403, 11))]
    {
        let server = server(of_database, of_collection, true).await;
        let (before, watch) = (server.audit().len(), Stopwatch::start());
        let error = connect(&server).await.expect_err("no right");
        let took = watch.took();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert!(is_refused(&error, wanted), "{error:?}");
        assert_silent(&error);
        assert_eq!(server.audit().len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_at_once() {
    let server = started(ArangoServer::builder());
    let wrong = format!("{PASSWORD}-wrong");
    for (credentials, wanted) in [
        (Credentials::password("root", &wrong), (401, 401)),
        (Credentials::password("nobody", PASSWORD), (401, 401)),
        (Credentials::basic("root", &wrong), (401, 11)),
        (Credentials::bearer(&wrong), (401, 11)),
        (Credentials::none(), (401, 11)),
    ] {
        let (watch, requests) = (Stopwatch::start(), server.counters().requests);
        let error = ArangoBackend::connect(server.url(), DATABASE, credentials).await.expect_err("refused");
        let took = watch.took();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(server.counters().requests, requests + 1, "a wrong password is not sent again");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        let why = match why(&error) {
            RequestError::Login { source } => &**source,
            other => other,
        };
        let is_told = matches!(why, RequestError::Refused { status, number, .. } if (*status, *number) == wanted);
        assert!(is_told, "{wanted:?}: {error:?}");
        assert_silent(&error);
    }
    assert_eq!(server.counters().logins, 0);
}
