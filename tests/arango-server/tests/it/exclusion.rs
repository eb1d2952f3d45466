//! Many clients on two coordinators: what the audit log has to show afterwards.

use arango_server::{ArangoServer, AuditEntry, DateNow};
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::{
    client::{Client, LOCKS, ready_with},
    texts::{release, take},
};

const CLIENTS: usize = 8;
const TURNS: usize = 10;
const ROUNDS: usize = 50;

/// Takes and releases, again and again; never holds for longer than its lease.
async fn work(client: Client, name: String) {
    for turn in 0..TURNS {
        let owner = format!("{name}-{turn}");
        let token = loop {
            let reply = take(&client, "k", &owner, 60.0).await;
            if reply.status != 201 {
                assert_eq!(reply.status, 409, "{}", reply.text);
                continue;
            }
            let row = reply.row();
            if row["owner"] == owner {
                break row["token"].clone();
            }
        };
        while release(&client, "k", &owner, &token).await.status != 201 {}
    }
}

fn attribute(entry: &AuditEntry, name: &str) -> Json {
    entry.document.as_ref().expect("nothing is removed")[name].clone()
}

#[tokio::test]
async fn grants_and_releases_alternate_and_tokens_grow() {
    for date_now in [DateNow::Folded, DateNow::PerCall] {
        let (server, _) = ready_with(ArangoServer::builder().coordinators(&[0, 3]).date_now(date_now)).await;
        // On a busy machine they may all miss each other.
        let mut round = 0;
        while server.counters().lock_timeouts + server.counters().late_snapshots == 0 {
            assert!(round < ROUNDS, "nobody met anybody");
            let mut clients = JoinSet::new();
            for name in 0..CLIENTS {
                clients.spawn(work(Client::new(&server.endpoint(name % 2)), format!("{round}-{name}")));
            }
            clients.join_all().await;
            round += 1;
        }
        let history = server.history("_system", LOCKS, "k");
        assert_eq!(history.len(), 2 * CLIENTS * TURNS * round);
        let mut last = 0.0;
        for pair in history.chunks(2) {
            let [grant, release] = pair else { panic!("a grant without its release") };
            let token = attribute(grant, "token").as_f64().expect("a number");
            assert!(token > last, "{token} after {last}");
            last = token;
            assert!(attribute(grant, "owner").is_string() && attribute(release, "owner").is_null());
            assert_eq!(attribute(release, "token").as_f64(), Some(token));
        }
    }
}
