//! TLS before our ArangoDB test server.

use std::time::Duration;

use arango_server::{ArangoServer, Level, Rights};
use shylock_arango::{ArangoBackend, Credentials, LockManager, Result};
use shylock_tests::{CANARY, assert_silent};

use crate::{
    certificates::{Authority, Certified},
    front,
    refusal::refused,
    tap::Tap,
};

/// A handshake on the loopback interface, on a busy machine; the bound of all is the 2 s that a connection may take.
const WITHIN: Duration = Duration::from_secs(1);
const HOST: &str = "127.0.0.1";

fn server() -> ArangoServer {
    shylock_tests::trace();
    let server = ArangoServer::builder().user("root", CANARY, Rights::new(Level::ReadWrite)).start().expect("started");
    server.create_database("shylock_tls").expect("made");
    server
}

/// Host and port.
fn address(server: &ArangoServer) -> String {
    server.url().trim_start_matches("http://").trim_end_matches('/').to_owned()
}

async fn connect(uri: &str, trusted: Option<&Authority>) -> Result<ArangoBackend> {
    let builder = ArangoBackend::builder();
    let builder = trusted.into_iter().fold(builder, |builder, authority| builder.root_certificate(authority.pem()));
    assert_silent(&builder);
    builder.connect(uri, "shylock_tls", Credentials::password("root", CANARY)).await
}

async fn before(server: &ArangoServer, certified: &Certified) -> u16 {
    front::before(&address(server), certified).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_certificate_works_and_all_others_are_refused() {
    let server = server();
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let good = before(&server, &authority.certify(HOST)).await;
    let expired = before(&server, &authority.certify_once(HOST)).await;

    let backend = connect(&format!("https://{HOST}:{good}"), Some(&authority)).await.expect("connected");
    assert_silent(&backend);
    let manager = LockManager::new(backend);
    let lock = manager.lock("over TLS");
    let guard = lock.acquire().await.expect("granted");
    guard.renew().await.expect("renewed");
    assert!(lock.try_acquire().await.expect("the store answers").is_none());
    guard.release().await.expect("released");

    let logins = server.counters().logins;
    for (what, uri, trusted, says) in [
        ("another host", format!("https://localhost:{good}"), Some(&authority), "not valid for name"),
        ("it has expired", format!("https://{HOST}:{expired}"), Some(&authority), "certificate expired"),
        ("an authority that is not trusted", format!("https://{HOST}:{good}"), Some(&other), "UnknownIssuer"),
        ("only the authorities of the web", format!("https://{HOST}:{good}"), None, "UnknownIssuer"),
        ("a client without TLS", format!("http://{HOST}:{good}"), Some(&authority), "no answer"),
    ] {
        refused(what, &[says], true, WITHIN, connect(&uri, trusted)).await;
    }
    assert_eq!(server.counters().logins, logins, "nobody got as far as to a login");
}

/// The password is in the first request: it must not be sent at all.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_in_the_clear_to_a_server_without_tls() {
    let server = server();
    let tap = Tap::before(&address(&server)).await;
    let uri = format!("https://{HOST}:{}", tap.port);
    let authority = Authority::new("ours");
    let connecting = connect(&uri, Some(&authority));
    refused("a server without TLS", &["no connection", "no answer"], true, Duration::from_millis(2500), connecting)
        .await;
    tap.assert_heard_only_tls();
    assert_eq!(server.counters().logins, 0);
}
