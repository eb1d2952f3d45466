//! Scripted faults happen where and when they are told to, and leave the data as promised.

use std::time::{Duration, Instant};

use arango_server::{Failure, Fault, Point};
use serde_json::json;

use super::{
    client::{LOCKS, ready},
    texts::{TAKE, take},
};

const BEFORE_COMMIT: [Point; 7] = [
    Point::Received,
    Point::Parsing,
    Point::BeforeSnapshot,
    Point::AfterSnapshot,
    Point::AfterRead,
    Point::Locked,
    Point::BeforeCommit,
];

const AFTER_COMMIT: [Point; 2] = [Point::Committed, Point::Answering];

#[tokio::test]
async fn an_error_before_the_commit_leaves_nothing() {
    for point in BEFORE_COMMIT {
        let (server, client) = ready().await;
        let fault = server.fault(Fault::at(point).on_query("UPSERT").fails(Failure::of(1465)));
        assert_eq!(take(&client, "k", "a", 30.0).await.error(), (503, 1465), "{point:?}");
        assert!(server.audit().is_empty(), "{point:?}");
        assert_eq!(take(&client, "k", "b", 30.0).await.row()["owner"], "b", "{point:?}");
        assert_eq!(fault.hits(), 1);
    }
}

#[tokio::test]
async fn an_error_after_the_commit_hides_a_grant() {
    for point in AFTER_COMMIT {
        let (server, client) = ready().await;
        server.fault(Fault::at(point).on_query("UPSERT").fails(Failure::of(1200)));
        assert_eq!(take(&client, "k", "a", 30.0).await.error(), (409, 1200), "{point:?}");
        let hidden = server.document("_system", LOCKS, "k").expect("the grant");
        let again = take(&client, "k", "a", 30.0).await.row();
        assert_eq!((&again["owner"], again["token"].as_f64()), (&json!("a"), hidden["token"].as_f64()));
        assert_eq!(server.history("_system", LOCKS, "k").len(), 1, "one grant");
    }
}

#[tokio::test]
async fn a_closed_connection_before_and_after_the_commit() {
    for (point, versions) in
        [(Point::Received, 0), (Point::BeforeCommit, 0), (Point::Committed, 1), (Point::Answering, 1)]
    {
        let (server, client) = ready().await;
        server.fault(Fault::at(point).on_query("UPSERT").closes());
        let body = json!({ "query": TAKE, "bindVars": { "@locks": LOCKS, "key": "k", "name": "k", "owner": "a",
            "holder": null, "ttl": 30 } });
        assert!(client.send(reqwest::Method::POST, "/_api/cursor", Some(&body)).await.is_err(), "{point:?}");
        assert_eq!(server.audit().len(), versions, "{point:?}");
    }
}

#[tokio::test]
async fn an_answer_is_cut_truncated_or_not_the_servers() {
    let (server, client) = ready().await;
    let at = || Fault::at(Point::Answering).on_path("/version");
    server.fault(at().cuts_the_answer());
    assert!(client.send(reqwest::Method::GET, "/_api/version", None).await.is_err());
    server.fault(at().truncates_the_answer());
    let half = client.get("/_api/version").await;
    assert!(half.status == 200 && serde_json::from_str::<serde_json::Value>(&half.text).is_err());
    server.fault(at().answers(503, "text/html", "<html>no</html>"));
    let html = client.get("/_api/version").await;
    assert_eq!((html.status, html.text.as_str()), (503, "<html>no</html>"));
    assert_eq!(html.headers["content-type"], "text/html");
    server.fault(at().answers(502, "text/plain", ""));
    let empty = client.get("/_api/version").await;
    assert_eq!((empty.status, empty.text.as_str()), (502, ""));
    assert_eq!(client.get("/_api/version").await.json()["server"], "arango");
}

#[tokio::test]
async fn a_fault_meets_what_it_is_meant_for() {
    let (server, client) = ready().await;
    let fault = server.fault(Fault::at(Point::Received).on_key("b").nth(2).times(2).fails(Failure::of(1429)));
    assert_eq!(take(&client, "a", "x", 1.0).await.status, 201);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(take(&client, "b", "x", 1.0).await.status);
    }
    assert_eq!((statuses, fault.hits()), (vec![201, 503, 503, 201], 2));
    server.fault(Fault::at(Point::Received).on_method("get").on_endpoint(0).always().fails(Failure::of(21003)));
    server.fault(Fault::at(Point::Received).on_method("get").on_endpoint(1).always().closes());
    assert_eq!(client.get("/_api/version").await.error(), (503, 21003));
    assert_eq!(take(&client, "c", "x", 1.0).await.status, 201);
    server.clear_faults();
    assert_eq!(client.get("/_api/version").await.status, 200);
    assert_eq!(server.counters().errors.get(&1429), Some(&2));
}

#[tokio::test]
async fn a_delay_delays() {
    let (server, client) = ready().await;
    server.fault(Fault::at(Point::Committed).on_query("UPSERT").delays(Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(take(&client, "k", "a", 1.0).await.status, 201);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_query_goes_on_where_its_client_has_gone() {
    let (server, client) = ready().await;
    let held = server.fault(Fault::at(Point::BeforeCommit).on_query("UPSERT").pauses());
    let committed = server.fault(Fault::at(Point::Committed).on_query("UPSERT").delays(Duration::ZERO));
    let impatient = tokio::spawn(async move { take(&client, "k", "a", 30.0).await.status });
    held.reached(1).await;
    impatient.abort();
    assert!(impatient.await.is_err_and(|end| end.is_cancelled()));
    held.resume();
    committed.reached(1).await;
    assert_eq!(server.history("_system", LOCKS, "k").len(), 1);
}

#[tokio::test]
async fn queries_are_counted_by_text() {
    let (server, client) = ready().await;
    take(&client, "k", "a", 30.0).await;
    take(&client, "k", "b", 30.0).await;
    let counters = server.counters();
    assert_eq!((counters.queries.get(TAKE), counters.empty_patches, counters.commits), (Some(&2), 1, 1));
}
