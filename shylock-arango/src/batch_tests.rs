use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use shylock_core::{FencingToken, HolderId, LeaseKey};

use super::*;
use crate::{
    reply::{Call, Reply},
    session::Session,
};

/// A server that renews what it is asked to, except for keys that are in somebody's way.
#[derive(Default)]
struct Server {
    /// How often each of these keys still conflicts.
    conflicts: Mutex<HashMap<String, u32>>,
    gone: Vec<String>,
    asked: Mutex<u32>,
}

#[async_trait]
impl Session for Server {
    async fn send(&self, call: &Call) -> Result<Reply, RequestError> {
        *self.asked.lock().expect("no panic") += 1;
        let body: Value = serde_json::from_str(&call.body).expect("JSON");
        let leases = body["bindVars"]["leases"].as_object().expect("leases");
        assert_eq!(leases.len(), body["bindVars"]["keys"].as_array().expect("keys").len());
        let mut conflicts = self.conflicts.lock().expect("no panic");
        for key in leases.keys() {
            if let Some(left) = conflicts.get_mut(key).filter(|left| **left > 0) {
                *left -= 1;
                let body = r#"{"error":true,"code":409,"errorNum":1200,"errorMessage":"conflict"}"#.into();
                return Ok(Reply { status: 409, body });
            }
        }
        let kept = leases.iter().filter(|(key, _)| !self.gone.contains(key));
        let rows: Vec<Value> =
            kept.map(|(key, want)| json!({ "key": key, "owner": want["owner"], "token": want["token"] })).collect();
        Ok(Reply { status: 201, body: json!({ "result": rows, "hasMore": false, "error": false }).to_string() })
    }
}

fn lease(name: &str, token: u64) -> Renewal {
    let name = LockName::new(name).expect("a valid name");
    let token = FencingToken::new(token).expect("a token");
    Renewal { lease: LeaseKey { name, holder: HolderId::from_bytes([7; 16]), token }, ttl: Duration::from_secs(30) }
}

async fn run(server: &Arc<Server>, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, RequestError> {
    let session = Arc::clone(server) as Arc<dyn Session>;
    let database = Database { session, name: "d".into(), max_runtime: Duration::from_secs(5) };
    let queries = Queries { collection: "c".into(), skew: Duration::ZERO };
    renew(&database, &queries, leases).await
}

#[tokio::test(start_paused = true)]
async fn all_go_in_one_query_and_each_has_its_own_answer() {
    let server = Arc::new(Server { gone: vec!["b".into()], ..Server::default() });
    let outcomes = run(&server, &[lease("a", 1), lease("b", 2), lease("c", 3)]).await.expect("answered");
    assert_eq!(outcomes, [RenewOutcome::Renewed, RenewOutcome::NotHeld, RenewOutcome::Renewed]);
    assert_eq!(*server.asked.lock().expect("no panic"), 1);
}

/// One record in somebody's way costs the others nothing.
#[tokio::test(start_paused = true)]
async fn a_conflict_is_isolated() {
    let leases: Vec<_> = (1..=100).map(|number| lease(&format!("lock-{number}"), number)).collect();
    let server = Arc::new(Server::default());
    // More often than the batch can be split.
    server.conflicts.lock().expect("no panic").insert("lock-42".into(), 10);
    let outcomes = run(&server, &leases).await.expect("answered");
    assert_eq!(outcomes, vec![RenewOutcome::Renewed; 100]);

    // One that stays in the way is an error, but only after all others are renewed.
    let server = Arc::new(Server::default());
    server.conflicts.lock().expect("no panic").insert("lock-42".into(), u32::MAX);
    assert!(run(&server, &leases).await.is_err_and(|error| error.is(1200)));
    assert!(*server.asked.lock().expect("no panic") < 40);
}

/// Of two leases of one name, as a process has that lost a lock and got it again, each gets its own answer.
#[tokio::test(start_paused = true)]
async fn two_leases_of_one_name_are_two_queries() {
    let leases = [lease("a", 1), lease("b", 1), lease("a", 2), lease("a", 1)];
    let server = Arc::new(Server::default());
    assert_eq!(run(&server, &leases).await.expect("answered"), [RenewOutcome::Renewed; 4]);
    assert_eq!(*server.asked.lock().expect("no panic"), 3);
    fn of(renewal: &Renewal) -> &LeaseKey {
        &renewal.lease
    }
    let names = |round: &Vec<&Renewal>| round.iter().map(|r| r.lease.token.get()).collect::<Vec<_>>();
    assert_eq!(rounds(&leases, of).iter().map(names).collect::<Vec<_>>(), [vec![1, 1], vec![2], vec![1]]);
    let many: Vec<_> = (1..=1200).map(|number| lease(&format!("{number}"), number)).collect();
    assert_eq!(rounds(&many, of).iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
    assert!(rounds(&[], of).is_empty());
}
