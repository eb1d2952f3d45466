//! Running a server: authentication (golden fact 8), rights, several coordinators, restarts.

use std::time::Duration;

use arango_server::{ArangoServer, Level, Restart, Rights};
use reqwest::Method;
use serde_json::json;

use super::{
    client::{Client, LOCKS, ready_with},
    texts::{TAKE, take, take_with},
};

async fn log_in(client: &Client) -> Client {
    let reply = client.post("/_open/auth", &json!({ "username": "root", "password": "p" })).await;
    client.with_authorization(&format!("bearer {}", reply.json()["jwt"].as_str().expect("a token")))
}

fn guarded() -> arango_server::Builder {
    ArangoServer::builder().user("root", "p", Rights::new(Level::ReadWrite))
}

#[tokio::test]
async fn fact_8_a_login_ends_and_can_be_repeated() {
    let (server, client) = ready_with(guarded().session(Duration::from_secs(2))).await;
    let first = log_in(&client).await;
    assert_eq!(first.get("/_api/collection").await.status, 200);
    server.clock(0).step(2_000);
    let refused = first.get("/_api/collection").await;
    let message = "not authorized to execute this request";
    assert_eq!(refused.json(), json!({ "code": 401, "error": true, "errorNum": 11, "errorMessage": message }));
    let second = log_in(&client).await;
    assert_eq!(second.get("/_api/collection").await.status, 200);
    server.expire_sessions();
    assert_eq!(second.get("/_api/collection").await.error(), (401, 11));
    assert_eq!(log_in(&client).await.get("/_api/collection").await.status, 200);
    assert_eq!(server.counters().logins, 3);
}

#[tokio::test]
async fn credentials_are_checked() {
    let (_server, client) = ready_with(guarded()).await;
    let wrong = client.post("/_open/auth", &json!({ "username": "root", "password": "x" })).await;
    assert_eq!(
        wrong.json(),
        json!({ "code": 401, "error": true, "errorNum": 401, "errorMessage": "Wrong credentials" })
    );
    assert_eq!(client.post("/_open/auth", &json!({})).await.status, 400);
    for (authorization, status) in [
        ("Basic cm9vdDpw", 200),
        ("basic cm9vdDp4", 401),
        ("Basic cm9vdDo=", 401),
        ("Basic !", 401),
        ("Bearer a.b.c", 401),
        ("Nothing", 401),
    ] {
        let client = client.with_authorization(authorization);
        assert_eq!(client.get("/_api/version").await.status, status, "{authorization}");
    }
    assert_eq!(client.get("/_api/version").await.error(), (401, 11));
    let (_server, open) = ready_with(ArangoServer::builder()).await;
    assert_eq!(open.post("/_open/auth", &json!({ "username": "root", "password": "p" })).await.status, 404);
}

#[tokio::test]
async fn padded_and_unpadded_credentials_are_the_same() {
    let builder = ArangoServer::builder().user("root", "", Rights::new(Level::ReadWrite));
    let (_server, client) = ready_with(builder).await;
    for authorization in ["Basic cm9vdDo=", "Basic cm9vdDo"] {
        assert_eq!(client.with_authorization(authorization).get("/_api/version").await.status, 200);
    }
}

#[tokio::test]
async fn missing_rights_have_their_own_errors() {
    let rights = Rights::new(Level::None)
        .database("_system", Level::ReadOnly)
        .collection("_system", "ro", Level::ReadOnly)
        .collection("_system", "none", Level::None)
        .collection("_system", "rw", Level::ReadWrite);
    let builder = guarded().user("u", "p", rights);
    let (server, client) = ready_with(builder).await;
    let root = client.with_authorization("Basic cm9vdDpw");
    for name in ["ro", "none", "rw"] {
        assert_eq!(root.post("/_api/collection", &json!({ "name": name })).await.status, 200);
    }
    server.create_database("other").expect("a new name");
    let user = client.with_authorization("Basic dTpw");
    assert_eq!(user.get("/_db/other/_api/collection").await.error(), (401, 11));
    assert_eq!(user.post("/_api/collection", &json!({ "name": "new" })).await.error(), (403, 11));
    for (collection, error) in [("ro", Some((403, 1004))), ("none", Some((403, 11))), ("rw", None)] {
        let reply = user.query("INSERT {} INTO @@c", json!({ "@c": collection })).await;
        assert_eq!((reply.status != 201).then(|| reply.error()), error, "{collection}");
    }
    assert_eq!(user.query("FOR d IN ro RETURN d", json!({})).await.status, 201);
}

#[tokio::test]
async fn coordinators_have_one_store_and_clocks_of_their_own() {
    let (server, ahead) = ready_with(ArangoServer::builder().coordinators(&[5_000, 0])).await;
    let behind = Client::new(&server.endpoint(1));
    let taken = take(&behind, "k", "a", 4.0).await.row();
    assert_eq!(take(&behind, "k", "b", 4.0).await.row()["owner"], "a");
    let early = take(&ahead, "k", "b", 4.0).await.row();
    assert_eq!(early["owner"], "b", "for the clock that is ahead the lease is over");
    assert!(early["token"].as_f64() > taken["token"].as_f64());
    let origins: Vec<arango_server::Origin> =
        server.history("_system", LOCKS, "k").iter().map(|entry| entry.origin).collect();
    assert_eq!(origins, [arango_server::Origin::Endpoint(1), arango_server::Origin::Endpoint(0)]);
}

#[tokio::test]
async fn coordinators_learn_of_new_things_late() {
    let builder = ArangoServer::builder().coordinators(&[0, 0]).visibility_delay(Duration::from_millis(200));
    let (server, client) = ready_with(builder).await;
    let other = Client::new(&server.endpoint(1));
    assert_eq!(take(&other, "k", "a", 4.0).await.error(), (404, 1203));
    assert_eq!(take(&client, "k", "a", 4.0).await.status, 201);
    while take(&other, "k", "a", 4.0).await.status != 201 {}
}

#[tokio::test]
async fn a_restart_loses_cursors_and_what_was_not_on_the_disk() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let sync = TAKE.replace("ignoreRevs: false", "waitForSync: true, ignoreRevs: false");
    assert_eq!(take(&client, "early", "a", 30.0).await.status, 201);
    assert_eq!(take_with(&client, &sync, "synced", "a", 30.0).await.status, 201);
    assert_eq!(take(&client, "late", "a", 30.0).await.status, 201);
    let first = client.post("/_api/cursor", &json!({ "query": "FOR i IN 1..2 RETURN i", "batchSize": 1 })).await;
    server.restart(Restart { lost: Duration::from_secs(60), ..Restart::default() }).await.expect("the port");
    let path = format!("/_api/cursor/{}", first.json()["id"].as_str().expect("an id"));
    let client = Client::new(&server.url());
    assert_eq!(client.send(Method::POST, &path, None).await.expect("an answer").error(), (404, 1600));
    let found = client.on_locks("FOR d IN @@locks SORT d._key RETURN d._key", json!({})).await;
    assert_eq!(found.rows(), ["early", "synced"]);
    let lost: Vec<String> = server.audit().into_iter().filter(|entry| entry.lost).map(|entry| entry.key).collect();
    assert_eq!(lost, ["late"]);
}

#[tokio::test]
async fn a_restart_undoes_queries_under_way_and_frees_their_locks() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let held = server.fault(arango_server::Fault::at(arango_server::Point::BeforeCommit).on_key("k").pauses());
    let stuck = tokio::spawn({
        let client = client.clone();
        async move { client.send(Method::POST, "/_api/cursor", Some(&body())).await.is_err() }
    });
    held.reached(1).await;
    server.restart(Restart::default()).await.expect("the port");
    assert!(stuck.await.expect("no panic"), "the connection is closed");
    assert!(server.audit().is_empty());
    assert_eq!(
        Client::new(&server.url()).send(Method::POST, "/_api/cursor", Some(&body())).await.expect("an answer").status,
        201
    );
}

fn body() -> serde_json::Value {
    json!({ "query": "INSERT { _key: @key } INTO @@locks", "bindVars": { "@locks": LOCKS, "key": "k" } })
}

#[tokio::test]
async fn nobody_answers_after_the_handle_is_dropped() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    drop(server);
    while client.send(Method::GET, "/_api/version", None).await.is_ok() {}
}

#[tokio::test]
async fn maintenance_and_hidden_things() {
    let (server, client) = ready_with(guarded().hardened().user("u", "p", Rights::new(Level::ReadOnly))).await;
    let user = client.with_authorization("Basic dTpw");
    assert_eq!(user.get("/_api/version").await.json(), json!({ "server": "arango" }));
    assert_eq!(client.with_authorization("Basic cm9vdDpw").get("/_api/version").await.json()["version"], "3.12.10");
    server.set_maintenance(true);
    assert_eq!(user.get("/_admin/server/availability").await.error(), (503, 503));
    assert_eq!(user.get("/_api/collection").await.error(), (503, 503));
    server.set_maintenance(false);
    assert_eq!(user.get("/_admin/server/availability").await.json()["mode"], "default");
    server.set_server_header(None);
    assert_eq!(user.get("/_api/version").await.headers.get("server"), None);
}

#[tokio::test]
async fn what_is_dropped_meanwhile_is_gone() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let late = server.fault(arango_server::Fault::at(arango_server::Point::AfterRead).on_key("k").pauses());
    let slow = tokio::spawn({
        let client = client.clone();
        async move { take(&client, "k", "a", 5.0).await.error() }
    });
    late.reached(1).await;
    server.drop_collection("_system", LOCKS).expect("the collection");
    late.resume();
    assert_eq!(slow.await.expect("no panic"), (404, 1203));
}

#[tokio::test]
async fn foreign_indexes_are_shown() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let index = json!({ "type": "inverted", "id": "x/1", "name": "search", "fields": [{ "name": "a" }] });
    server.show_foreign_index("_system", LOCKS, index.clone()).expect("the collection");
    let listed = client.get(&format!("/_api/index?collection={LOCKS}")).await.json();
    assert_eq!(listed["indexes"][1], index);
}

#[tokio::test]
async fn nobody_listens_while_a_server_is_closed() {
    let (server, client) = ready_with(ArangoServer::builder()).await;
    let version = async || client.send(Method::GET, "/_api/version", None).await;
    let closed = Restart { closed_for: Duration::from_millis(100), ..Restart::default() };
    let (restarted, ()) = tokio::join!(server.restart(closed), async { while version().await.is_ok() {} });
    restarted.expect("the port");
    assert_eq!(version().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn what_is_no_http_or_chunked_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (server, _client) = ready_with(ArangoServer::builder()).await;
    let chunked = "POST /_api/cursor HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    for (sent, status) in [("what? \r\n\r\n", "400"), (chunked, "501")] {
        let address = server.url().replace("http://", "");
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
    }
}
