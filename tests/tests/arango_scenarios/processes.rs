//! Several processes and one lock, each by way of a coordinator of its own.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use arango_server::ArangoServer;
use serde_json::json;
use shylock_arango::{ArangoBackend, LockManager};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    lab::{DATABASE, ask, grants, prepared, query, root},
    secrets::PASSWORD,
};

const TIMES: u64 = 300;
const SKEW: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(2);
/// Twice the skew allowance and the real skew, the longest pause of a waiter, and time for a busy machine.
const AFTER_TTL: Duration = Duration::from_millis(750 + 1000 + 1500);
/// Longer than any answer of a worker that works.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program `arango_worker`, killed when dropped.
struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(command: &str, url: &str, lock: &str, arguments: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_arango_worker"));
        program.args([command, url, DATABASE, lock]).args(arguments).env("ARANGO_PASSWORD", PASSWORD);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = program.spawn().expect("the worker starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    async fn says(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("the worker says something");
        line.expect("it is text").expect("the worker lives")
    }

    /// Its answer to the question whether it still holds the lock.
    async fn asked(&mut self) -> String {
        self.child.stdin.as_mut().expect("piped").write_all(b"\n").await.expect("the worker listens");
        self.says().await
    }
}

async fn cluster() -> ArangoServer {
    prepared(ArangoServer::builder().coordinators(&[0, 250])).await
}

/// Two processes increment a counter that often each; the count in the end, and the server.
async fn count_together(how: &str) -> (u64, ArangoServer) {
    let server = cluster().await;
    ask(&server, "POST", "/_api/collection", &json!({ "name": "counters" })).await;
    query(&server, "INSERT { _key: 'counter', count: 0 } INTO counters", json!({})).await;
    let start = |number| Worker::start("count", &server.endpoint(number), "counter", &[&TIMES.to_string(), how]);
    let mut both = [start(0), start(1)];
    // Neither counts before the other is there.
    for worker in &mut both {
        assert_eq!(worker.says().await, "ready");
    }
    for worker in &mut both {
        worker.child.stdin.as_mut().expect("piped").write_all(b"\n").await.expect("the worker listens");
    }
    for worker in &mut both {
        assert_eq!(worker.says().await, "done");
    }
    let count = query(&server, "FOR c IN counters RETURN c.count", json!({})).await;
    (count[0].as_u64().expect("a number"), server)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_no_increment_under_the_lock() {
    let (counted, server) = count_together("locked").await;
    assert_eq!(counted, 2 * TIMES);
    let turns = usize::try_from(2 * TIMES).expect("a few");
    assert_eq!(grants(&server, "counter", SKEW), turns);
}

/// The control: without the lock the same programs lose some, so that the test above can fail.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_increments_without_the_lock() {
    let (counted, _) = count_together("unlocked").await;
    assert!((1..2 * TIMES).contains(&counted), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_holder_is_followed_by_way_of_another_coordinator() {
    let server = cluster().await;
    for (holder, follower) in [(0, 1), (1, 0)] {
        let name = format!("killed-{holder}");
        let backend = ArangoBackend::connect(server.endpoint(follower), DATABASE, root()).await.expect("connected");
        let lock = LockManager::new(backend).lock(&name);
        let ttl = TTL.as_millis().to_string();
        let mut worker = Worker::start("hold", &server.endpoint(holder), &name, &[&ttl]);
        let held = worker.says().await;
        let token: u64 = held.strip_prefix("held ").and_then(|token| token.parse().ok()).expect(&held);
        assert!(lock.try_acquire().await.expect("the store answers").is_none());
        assert_eq!(worker.asked().await, "acted");
        worker.child.kill().await.expect("it is there");
        let killed = Instant::now();
        let guard = timeout(PATIENCE, lock.acquire()).await.expect("taken over").expect("granted");
        assert!(killed.elapsed() < TTL + AFTER_TTL, "taken over after {:?}", killed.elapsed());
        assert!(guard.token().get() > token);
        guard.release().await.expect("released");
        assert_eq!(grants(&server, &name, SKEW), 2);
    }
}
