//! Answers that are none: what a proxy says, what is cut off, what is too long. The outcome is found out.

use std::time::Duration;

use arango_server::{ArangoServer, Failure, Fault, Point};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Backend, Error, LockManager, RequestError};
use tokio::time::timeout;

use crate::{
    lab::{DATABASE, LOCKS, connected, manager, named, prepared, root, started, why},
    secrets::assert_silent,
};

const TAKE: &str = "UPSERT";
const RENEW: &str = "LET upto";
const RELEASE: &str = "WITH { owner: \"\"";
const PAGE: &str = "<html><body>of a proxy</body></html>";

type Spoil = fn(Fault) -> Fault;

const SPOILT: [(&str, Spoil); 8] = [
    ("a page with 200", |fault| fault.answers(200, "text/html", PAGE)),
    ("a page with 502", |fault| fault.answers(502, "text/html", PAGE)),
    ("a page with 503", |fault| fault.answers(503, "text/html", PAGE)),
    ("an empty 502", |fault| fault.answers(502, "text/plain", "")),
    ("JSON of somebody else", |fault| fault.answers(200, "application/json", r#"{"status":"ok"}"#)),
    ("half of the JSON", Fault::truncates_the_answer),
    ("a connection that ends in the body", Fault::cuts_the_answer),
    ("a connection that ends", Fault::closes),
];

fn owner(version: &Value) -> &str {
    version["owner"].as_str().expect("a text")
}

/// After the commit, so that what is asked for has been done, and nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_without_an_answer_is_found_out() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    for (number, (what, spoil)) in SPOILT.into_iter().enumerate() {
        let name = format!("answer-{number}");
        let lost = |text: &str| server.fault(spoil(Fault::at(Point::Committed).on_query(text).on_key(&name)));
        let lock = manager.lock(&name);

        let taking = lost(TAKE);
        let guard = lock.acquire_timeout(Duration::from_secs(9)).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        assert_eq!(taking.hits(), 1, "{what}");
        let history = server.history(DATABASE, LOCKS, &name);
        let grants: Vec<&Value> = history.iter().filter_map(|entry| entry.document.as_ref()).collect();
        assert!(grants.iter().all(|grant| owner(grant) == owner(grants[0])), "{what}: one grant, {grants:?}");
        assert!(grants.iter().all(|grant| grant["token"] == guard.token().get()), "{what}: one token, {grants:?}");

        let mut renewing = lost(RENEW);
        let mut renewed = guard.renew().await;
        // It may have met the look that follows such a grant, and been repeated before anything was lost.
        while renewing.hits() == 0 {
            renewing = lost(RENEW);
            renewed = guard.renew().await;
        }
        assert!(guard.is_held(), "{what}: one failed renewal is no loss: {renewed:?}");
        guard.renew().await.unwrap_or_else(|e| panic!("{what}: {e:?}"));

        let releasing = lost(RELEASE);
        guard.release().await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
        assert_eq!(releasing.hits(), 1, "{what}");
        assert_eq!(manager.inspect(&name).await.expect("read"), None, "{what}");
        let next = lock.try_acquire().await.expect("the store answers").expect("it is free");
        next.release().await.expect("released");
    }
}

/// What goes on inside of a server or a cluster ends no wait, and neither does a number that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_passes_ends_no_wait() {
    let server = prepared(ArangoServer::builder().coordinators(&[0])).await;
    let manager = manager(&server).await;
    let unknown = Failure::new(4_242, "of next year").with_status(400);
    let known = [32, 38, 406, 1429, 1472, 1477, 1481, 1487, 1491, 1495, 1496, 1591].map(Failure::of);
    for failure in known.into_iter().chain([unknown]) {
        let name = format!("passing-{}", failure.number);
        let passing = server.fault(Fault::at(Point::Received).on_key(&name).fails(failure.clone()).times(2));
        let guard = manager.lock(&name).acquire().await.unwrap_or_else(|error| panic!("{failure}: {error:?}"));
        assert_eq!(passing.hits(), 2, "{failure}");
        guard.release().await.unwrap_or_else(|error| panic!("{failure}: {error:?}"));
    }
    // What needs mending is told at once, in one plain sentence.
    server.fault(Fault::at(Point::Received).on_key("final").fails(Failure::of(1466)));
    let error = manager.lock("final").acquire().await.expect_err("refused");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    let sentence = "ArangoDB error 1466 (HTTP status 400): must not specify _key for this collection";
    assert_eq!(why(&error).to_string(), sentence);
}

/// Before anything is done, and for as long as one likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_alone_is_told_as_what_it_is() {
    let server = prepared(ArangoServer::builder()).await;
    let manager = manager(&server).await;
    for (status, kind, body) in [
        (200, "text/html", PAGE),
        (502, "text/html", PAGE),
        (503, "text/html", PAGE),
        (502, "text/plain", ""),
        (200, "application/json", "[]"),
        (200, "application/json", r#"{"result":[{"name":"proxy","ow"#),
        (200, "application/json", "1e999"),
    ] {
        let fault = Fault::at(Point::Received).on_path("/_api/cursor").answers(status, kind, body).always();
        let fault = server.fault(fault);
        let error = manager.lock("proxy").acquire_timeout(Duration::from_millis(600)).await.expect_err(body);
        assert!(matches!(error, Error::Backend { retryable: true, .. }), "{body}: {error:?}");
        assert!(fault.hits() > 1, "{body}: it is asked again");
        assert_silent(&error);
        let why = why(&error);
        assert!(matches!(why, RequestError::Unreadable { status: of, .. } if *of == status), "{body}: {why:?}");
        assert!(body.is_empty() || !format!("{error:?}").contains(body), "{error:?}");
        server.clear_faults();
    }
    // What was given up is withdrawn in the background, once that can be.
    timeout(Duration::from_secs(9), manager.close()).await.expect("all is found out");
    assert_eq!(manager.inspect("proxy").await.expect("read"), None);
    manager.lock("proxy").acquire().await.expect("granted").release().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_not_connected_to() {
    let server = started(ArangoServer::builder());
    for status in [200, 502, 503] {
        let page = Fault::at(Point::Received).on_path("/_db/").answers(status, "text/html", PAGE).always();
        let page = server.fault(page);
        let error = ArangoBackend::connect(server.url(), DATABASE, root()).await.expect_err("no ArangoDB");
        assert!(matches!(error, Error::Backend { .. }), "{error:?}");
        assert!(matches!(why(&error), RequestError::Unreadable { .. }), "{error:?}");
        assert!(page.hits() > 0);
        server.clear_faults();
    }
}

/// It would be an answer otherwise: that nobody holds the lock.
#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_no_answer() {
    let server = prepared(ArangoServer::builder()).await;
    let backend = connected(&server).await;
    let (manager, guard) = {
        let manager = LockManager::new(backend.clone());
        let guard = manager.lock("long").acquire().await.expect("granted");
        (manager, guard)
    };
    let answer = json!({ "result": [], "hasMore": false, "error": false, "code": 201 }).to_string();
    let long = format!("{answer}{}", " ".repeat(10 << 20));
    for (body, is_long) in [(&answer, false), (&long, true)] {
        server.fault(Fault::at(Point::Received).on_path("/_api/cursor").answers(201, "application/json", body));
        let seen = backend.inspect(&named("long")).await;
        match seen {
            Ok(seen) => assert!(!is_long && seen.is_none(), "{seen:?}"),
            Err(error) => {
                let limit = match why(&error) {
                    RequestError::TooLarge { limit } => *limit,
                    other => panic!("{other:?}"),
                };
                assert!(is_long && limit == 8 << 20, "{limit}");
            }
        }
    }
    assert_eq!(manager.inspect("long").await.expect("read").expect("held").token, guard.token());
    guard.release().await.expect("released");
}
