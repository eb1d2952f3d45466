//! Another process, for the tests: does one thing with a lock on ArangoDB, and says on stdout what became of it. The
//! administrator's password is in the variable `ARANGO_PASSWORD`.
//!
//! - `arango_worker count URL DATABASE LOCK TIMES locked|unlocked`: says `ready`, waits for a line on stdin, increments
//!   the number `count` of the document with the lock's name in the collection `counters`, that often, by reading and
//!   writing it, and says `done`.
//! - `arango_worker hold URL DATABASE LOCK TTL_MS`: acquires, says `held TOKEN`, then answers each line on stdin:
//!   `acted` if the lock is still held, `lost` and why if not.

use std::{
    env,
    io::{self, BufRead, Write},
    time::Duration,
};

use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, AsyncLock, Credentials, Error, LockManager, Result};

#[tokio::main]
async fn main() -> Result<()> {
    shylock_tests::trace();
    let password = env::var("ARANGO_PASSWORD").expect("the administrator's password");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [command, url, database, name, rest @ ..] = &*arguments else { panic!("see the head of this program") };
    let credentials = Credentials::password("root", &password);
    let manager = LockManager::new(ArangoBackend::connect(url, database, credentials).await?);
    let lock = manager.lock(name);
    match rest {
        [times, how] if command == "count" => {
            let counter = Counter { url: format!("{url}/_db/{database}/_api/cursor"), password, key: name.clone() };
            count(&counter, (how == "locked").then_some(&lock), times.parse().expect("a number")).await
        }
        [ttl] if command == "hold" => hold(lock.with_ttl(Duration::from_millis(ttl.parse().expect("a number")))).await,
        _ => panic!("see the head of this program for its arguments"),
    }
}

/// A document that is read and written in two requests.
struct Counter {
    url: String,
    password: String,
    key: String,
}

impl Counter {
    async fn read(&self, client: &reqwest::Client) -> u64 {
        let read = "FOR c IN counters FILTER c._key == @key RETURN c.count";
        let row = self.ask(client, read, json!({ "key": self.key })).await.expect("no conflict in reading");
        row.as_u64().expect("a number")
    }

    /// Again and again while another is at it.
    async fn write(&self, client: &reqwest::Client, count: u64) {
        let write = "UPDATE @key WITH { count: @count } IN counters RETURN 1";
        while self.ask(client, write, json!({ "key": self.key, "count": count })).await.is_none() {}
    }

    /// The first row, `None` in case of a conflict.
    async fn ask(&self, client: &reqwest::Client, aql: &str, binds: Value) -> Option<Value> {
        let request = client.post(&self.url).basic_auth("root", Some(&self.password));
        let answer = request.json(&json!({ "query": aql, "bindVars": binds })).send().await.expect("answered");
        let mut answer: Value = answer.json().await.expect("JSON");
        match answer["errorNum"].as_u64() {
            Some(1200) => None,
            Some(_) => panic!("{aql}: {answer}"),
            None => Some(answer["result"][0].take()),
        }
    }
}

async fn count(counter: &Counter, lock: Option<&AsyncLock>, times: u32) -> Result<()> {
    let client = reqwest::Client::new();
    say("ready");
    io::stdin().lock().lines().next().expect("a line").expect("stdin is text");
    for _ in 0..times {
        let guard = match lock {
            Some(lock) => Some(lock.acquire().await?),
            None => None,
        };
        let count = counter.read(&client).await;
        counter.write(&client, count + 1).await;
        if let Some(guard) = guard {
            guard.release().await?;
        }
    }
    say("done");
    Ok(())
}

async fn hold(lock: AsyncLock) -> Result<()> {
    let guard = lock.acquire().await?;
    say(&format!("held {}", guard.token()));
    for request in io::stdin().lock().lines() {
        request.expect("stdin is text");
        say(&match guard.ensure_held() {
            Ok(()) => "acted".to_owned(),
            Err(Error::Lost { reason }) => format!("lost {reason:?}"),
            Err(error) => format!("{error:?}"),
        });
    }
    guard.release().await
}

fn say(line: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("somebody reads");
}
