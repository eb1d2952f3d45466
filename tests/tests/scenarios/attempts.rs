//! A right that is missing, and a password that is wrong, are no reason to try again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use mongodb::{
    Client,
    bson::{Document, doc},
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use shylock_mongo::{Error, LockManager, MongoBackend};
use shylock_tests::{Kind, Mongo, Source, Stopwatch, assert_silent};

use crate::{fresh, secrets::PASSWORD};

const DATABASE: &str = "shylock_attempts";

/// Of the test's own, since what it counts, it counts for everybody.
async fn server() -> Mongo {
    Mongo::start(Kind::WithAuth, Source::chosen().await).await
}

/// Locks by way of this address, and how many commands were sent that change something.
async fn counted(uri: &str) -> (MongoBackend, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let mut options = ClientOptions::parse(uri).await.expect("an address");
    let counter = Arc::clone(&sent);
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event {
            let changes = ["findAndModify", "update"].contains(&started.command_name.as_str());
            counter.fetch_add(u64::from(changes), Ordering::Relaxed);
        }
    }));
    let client = Client::with_options(options).expect("a client");
    (MongoBackend::new(client.database(DATABASE)), sent)
}

fn privileges(actions: &[&str]) -> Vec<Document> {
    let resource = doc! { "db": DATABASE, "collection": "shylock_locks" };
    if actions.is_empty() { Vec::new() } else { vec![doc! { "resource": resource, "actions": actions.to_vec() }] }
}

async fn status(admin: &mongodb::Database) -> Document {
    admin.run_command(doc! { "serverStatus": 1 }).await.expect("answered")
}

/// A number of the server's status, under this path.
fn number(status: &Document, path: &[&str]) -> i64 {
    let (last, folders) = path.split_last().expect("a path");
    let folder = folders.iter().fold(status, |document, name| document.get_document(name).expect("a document"));
    let number = folder.get(last).expect("a number");
    number.as_i64().or(number.as_i32().map(i64::from)).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_asked_for_once() {
    let mongo = server().await;
    for actions in [&[][..], &["find"], &["find", "insert"], &["find", "update"], &["insert", "update"]] {
        let user = fresh("user");
        mongo.create_user(&user, PASSWORD, privileges(actions)).await;
        let (backend, sent) = counted(&mongo.uri_for(&user, PASSWORD)).await;
        let watch = Stopwatch::start();
        let error = LockManager::new(backend).lock("x").acquire().await.map(drop).expect_err("a right is missing");
        let took = watch.took();
        assert_silent(&error);
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{actions:?}: {error:?}");
        let source = std::error::Error::source(&error).expect("the driver's").to_string();
        assert!(source.contains("not authorized"), "{actions:?}: {source}");
        assert!(took < Duration::from_secs(1), "{actions:?}: {took:?}");
        // Long enough for another attempt, if somebody made one in the background.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(sent.load(Ordering::Relaxed), 1, "{actions:?}");
    }
}

/// A waiter and a holder whose rights are taken away: the waiter is told, the holder loses its lease, and neither
/// makes more than an attempt a second.
#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_taken_away_cause_no_storm() {
    let mongo = server().await;
    let admin = mongo.client().await.database("admin");
    let user = fresh("user");
    mongo.create_user(&user, PASSWORD, privileges(&["find", "insert", "update"])).await;
    let uri = mongo.uri_for(&user, PASSWORD);
    let ((holder, of_holder), (waiter, of_waiter)) = (counted(&uri).await, counted(&uri).await);
    let holder = LockManager::new(holder).lock("x").with_ttl(Duration::from_secs(15));
    let guard = holder.acquire().await.expect("granted");
    let waiting = tokio::spawn(async move { LockManager::new(waiter).lock("x").acquire().await });
    while of_waiter.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }

    let find_only = doc! { "updateRole": format!("role of {user}"), "privileges": privileges(&["find"]) };
    admin.run_command(find_only).await.expect("changed");
    let error = waiting.await.expect("no panic").map(drop).expect_err("the right is gone");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    let (attempts, renewals, since) =
        (of_waiter.load(Ordering::Relaxed), of_holder.load(Ordering::Relaxed), Instant::now());
    let loss = guard.lost().await;
    let renewals = of_holder.load(Ordering::Relaxed) - renewals;
    println!("{loss:?} after {:?}, with {renewals} renewals", since.elapsed());
    assert_eq!(of_waiter.load(Ordering::Relaxed), attempts, "nobody waits any more");
    assert!((2..=since.elapsed().as_secs() + 1).contains(&renewals), "{renewals} in {:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_sent_once() {
    let mongo = server().await;
    let admin = mongo.client().await.database("admin");
    let user = fresh("user");
    mongo.create_user(&user, PASSWORD, privileges(&["find", "insert", "update"])).await;
    let uri = mongo.uri_for(&user, &format!("{PASSWORD}-wrong"));
    let received = async || {
        let mechanisms = ["SCRAM-SHA-1", "SCRAM-SHA-256"];
        let status = status(&admin).await;
        let of = |kind| ["security", "authentication", "mechanisms", kind, "authenticate", "received"];
        mechanisms.map(|kind| number(&status, &of(kind))).iter().sum::<i64>()
    };

    let before = received().await;
    let error = MongoBackend::connect(&uri, DATABASE).await.expect_err("refused");
    assert_silent(&error);
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert_eq!(received().await - before, 1, "by `connect`");

    let client = Client::with_uri_str(&uri).await.expect("an address");
    let lock = LockManager::new(MongoBackend::new(client.database(DATABASE))).lock("x");
    let before = received().await;
    let error = lock.acquire().await.map(drop).expect_err("refused");
    assert_silent(&error);
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(received().await - before, 1, "by an acquisition, and in the background");
}
