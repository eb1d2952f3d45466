//! A free acquire + release beside the two raw driver commands it is made of: `latency [URI] [ROUNDS]`.
//!
//! The raw commands are recorded from the driver's own events, and repeated through it in turns with the locks, so
//! that both see the same server at the same time. Build with `--release`.

use std::{
    env,
    sync::{Arc, Mutex},
    time::Instant,
};

use mongodb::{
    Client,
    bson::{Bson, Document},
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use shylock_mongo::{LockManager, MongoBackend};
use shylock_tests::{Mongo, percentile};

const DATABASE: &str = "shylock_latency";

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let uri = match arguments.next() {
        Some(uri) => uri,
        None => Mongo::replica_set(1).await.uri(),
    };
    let rounds: u32 = arguments.next().map_or(2000, |rounds| rounds.parse().expect("a number"));
    // In a task, as programs do it: the main thread's `block_on` pays for a wake-up each time.
    tokio::spawn(async move { compare(&uri, rounds).await }).await.expect("no panic");
}

async fn compare(uri: &str, rounds: u32) {
    let (acquire, release, recorded_token) = recorded(uri).await;
    let database = Client::with_uri_str(uri).await.expect("an address").database(DATABASE);
    let lock = LockManager::new(MongoBackend::connect(uri, DATABASE).await.expect("connected")).lock("measured");
    let (mut raw, mut locks) = (Vec::new(), Vec::new());
    for round in 0..rounds + 100 {
        let raw_time = async {
            let since = Instant::now();
            let reply = database.run_command(acquire.clone()).await.expect("acquired");
            let reply = reply.get_document("value").and_then(|value| value.get_document("record"));
            let granted = reply.and_then(|record| record.get_i64("token")).expect("a token");
            let release = with(release.clone().into(), recorded_token, granted);
            let reply = database.run_command(release.as_document().expect("a command").clone()).await;
            let reply = reply.expect("released");
            let released = reply.get_i32("nModified").unwrap_or_else(|_| panic!("{reply}"));
            let time = since.elapsed();
            assert_eq!(released, 1, "the raw commands do what the locks do");
            time
        };
        let lock_time = async {
            let since = Instant::now();
            lock.acquire().await.expect("acquired").release().await.expect("released");
            since.elapsed()
        };
        let (raw_time, lock_time) = match round % 2 {
            0 => (raw_time.await, lock_time.await),
            _ => {
                let lock_time = lock_time.await;
                (raw_time.await, lock_time)
            }
        };
        // The first are for the caches.
        if round >= 100 {
            raw.push(raw_time);
            locks.push(lock_time);
        }
    }
    println!("{rounds} rounds in turns, free acquire + release, in microseconds");
    println!("{:28} {:>7} {:>7}", "", "p50", "p99");
    for (what, times) in [("two raw driver commands", &mut raw), ("acquire + release", &mut locks)] {
        println!("{what:28} {:7} {:7}", percentile(times, 50).as_micros(), percentile(times, 99).as_micros());
    }
    let ratio = |percent| {
        percentile(&mut locks.clone(), percent).as_secs_f64() / percentile(&mut raw.clone(), percent).as_secs_f64()
    };
    println!("{:28} {:7.2} {:7.2}", "ratio", ratio(50), ratio(99));
}

/// The same, with another token in the place of the recorded one.
fn with(value: Bson, recorded: i64, token: i64) -> Bson {
    let within = |value| with(value, recorded, token);
    match value {
        Bson::Int64(number) if number == recorded => Bson::Int64(token),
        Bson::Array(values) => values.into_iter().map(within).collect::<Vec<_>>().into(),
        Bson::Document(fields) => {
            fields.into_iter().map(|(name, value)| (name, within(value))).collect::<Document>().into()
        }
        other => other,
    }
}

/// The commands of one acquisition and one release, and the token of the lease.
async fn recorded(uri: &str) -> (Document, Document, i64) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut options = ClientOptions::parse(uri).await.expect("an address");
    let record = Arc::clone(&seen);
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(event) = event {
            record.lock().expect("no panic in here").push(event.command);
        }
    }));
    let database = Client::with_options(options).expect("options").database(DATABASE);
    let lock = LockManager::new(MongoBackend::new(database)).lock("recorded");
    let guard = lock.acquire().await.expect("acquired");
    let token = guard.token().get().cast_signed();
    guard.release().await.expect("released");
    let seen = seen.lock().expect("no panic in here");
    let of = |name: &str| {
        let mut command = seen
            .iter()
            .find(|command| command.keys().next().is_some_and(|first| first == name))
            .expect("it was sent")
            .clone();
        // What the driver adds to each command by itself.
        for own in ["$db", "lsid", "$clusterTime", "$readPreference", "txnNumber"] {
            command.remove(own);
        }
        command
    };
    (of("findAndModify"), of("update"), token)
}
