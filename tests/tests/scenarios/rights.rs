//! A role with `find`, `insert` and `update` on the one collection is enough, and what is missing is told by name.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mongodb::bson::{Document, doc};
use shylock_mongo::{Error, LockManager, MongoBackend};
use shylock_tests::{Mongo, Stopwatch, live_a_whole_life};

use crate::{
    fresh,
    secrets::{PASSWORD, assert_silent},
};

const DATABASE: &str = "shylock_rights";
const COLLECTION: &str = "shylock_locks";

async fn user(mongo: &Mongo, actions: &[&str]) -> String {
    let resource = doc! { "db": DATABASE, "collection": COLLECTION };
    let privileges: Vec<Document> =
        if actions.is_empty() { Vec::new() } else { vec![doc! { "resource": resource, "actions": actions.to_vec() }] };
    let name = fresh("user");
    mongo.create_user(&name, PASSWORD, privileges).await;
    mongo.uri_for(&name, PASSWORD)
}

#[tokio::test]
async fn find_insert_and_update_are_enough() {
    shylock_tests::trace();
    let mongo = Mongo::with_auth().await;
    let uri = user(&mongo, &["find", "insert", "update"]).await;
    let logged = Warnings::here();
    let backend = MongoBackend::connect(&uri, DATABASE).await.expect("connected");
    let warnings = logged.until("`createIndex`").await;
    assert!(warnings.contains("`listCollections`"), "the missing right is named: {warnings}");

    let manager = LockManager::new(backend);
    assert_silent(&manager);
    let name = fresh("rights");
    live_a_whole_life(&manager, &name).await;
}

/// The role that the README of `shylock-mongo` makes.
#[tokio::test]
async fn with_the_role_of_the_readme_there_is_nothing_to_warn_of() {
    let mongo = Mongo::with_auth().await;
    let name = fresh("user");
    let actions = ["find", "insert", "update", "createIndex", "changeStream"];
    let readme = include_str!("../../../shylock-mongo/README.md");
    let listed = actions.map(|action| format!("{action:?}")).join(", ");
    assert!(readme.contains(&format!("actions: [{listed}]")), "the README lists {listed}");
    let of_collection = doc! { "resource": { "db": DATABASE, "collection": COLLECTION }, "actions": actions.to_vec() };
    let of_database = doc! { "resource": { "db": DATABASE, "collection": "" }, "actions": ["listCollections"] };
    mongo.create_user(&name, PASSWORD, vec![of_collection, of_database]).await;
    let logged = Warnings::here();
    let collection = fresh("readme");
    let role = doc! { "resource": { "db": DATABASE, "collection": &collection }, "actions": actions.to_vec() };
    let update = doc! { "grantPrivilegesToRole": format!("role of {name}"), "privileges": [role] };
    let client = mongo.client().await;
    client.database("admin").run_command(update).await.expect("granted");
    let builder = MongoBackend::builder().collection(&collection);
    let backend = builder.connect(mongo.uri_for(&name, PASSWORD), DATABASE).await;
    let lock = LockManager::new(backend.expect("connected")).lock(fresh("readme"));
    lock.acquire().await.expect("granted").release().await.expect("released");
    crate::setup::wait_for_indexes(&client.database(DATABASE), &collection).await;
    assert_eq!(logged.text(), "");
}

/// Who may not watch polls, and says so once; a server that cannot be watched is nothing to warn of.
#[tokio::test]
async fn without_the_right_to_watch_waiting_is_polling() {
    shylock_tests::trace();
    let mongo = Mongo::with_auth().await;
    for (actions, expected) in
        [(&["find", "insert", "update"][..], 1), (&["find", "insert", "update", "changeStream"], 0)]
    {
        let uri = user(&mongo, actions).await;
        let backends = [MongoBackend::connect(&uri, DATABASE).await, MongoBackend::connect(&uri, DATABASE).await];
        let [holder, waiter] =
            backends.map(|backend| LockManager::new(backend.expect("connected")).lock(fresh("watch")));
        let waiter = holder.clone().with_manager(waiter.manager().expect("its own"));
        let guard = holder.acquire().await.expect("granted");
        let wait = async {
            // Long enough for a second try, and for a third.
            waiter.acquire_timeout(Duration::from_secs(4)).await.expect_err("held");
            let since = Instant::now();
            let waiting = tokio::spawn(async move { waiter.acquire().await });
            guard.release().await.expect("released");
            waiting.await.expect("no panic").expect("granted").release().await.expect("released");
            since.elapsed()
        };
        let logged = Warnings::here();
        let waited = wait.await;
        let warnings = logged.text();
        assert!(waited < Duration::from_secs(2), "{waited:?}");
        assert_eq!(warnings.matches("does not tell of freed locks").count(), expected, "{actions:?}: {warnings}");
        assert_eq!(warnings.contains("not authorized"), expected == 1, "{warnings}");
        assert_silent(&warnings);
    }
}

#[tokio::test]
async fn without_the_rights_to_write_the_error_says_so_at_once() {
    shylock_tests::trace();
    let mongo = Mongo::with_auth().await;
    for actions in [&["find"][..], &[]] {
        let uri = user(&mongo, actions).await;
        let manager = LockManager::new(MongoBackend::connect(&uri, DATABASE).await.expect("connected"));
        let watch = Stopwatch::start();
        let error = manager.lock("x").acquire().await.expect_err("the right is missing");
        let took = watch.took();
        assert!(took < Duration::from_secs(1), "no retries: {took:?}");
        assert_silent(&error);
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        let source = std::error::Error::source(&error).expect("the driver's").to_string();
        assert!(source.contains("not authorized"), "{source}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once() {
    shylock_tests::trace();
    let mongo = Mongo::with_auth().await;
    mongo.create_user(&fresh("user"), PASSWORD, Vec::new()).await;
    for wrong in ["somebody", &fresh("user")] {
        let watch = Stopwatch::start();
        let error = MongoBackend::connect(mongo.uri_for(wrong, &format!("{PASSWORD}-wrong")), DATABASE).await;
        let (error, took) = (error.expect_err("refused"), watch.took());
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_silent(&error);
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    }
}

/// What is logged as a warning on the test's thread.
struct Warnings {
    buffer: Buffer,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Warnings {
    fn here() -> Self {
        let buffer = Buffer::default();
        let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false);
        let writer = buffer.clone();
        let guard = tracing::subscriber::set_default(logs.with_writer(move || writer.clone()).finish());
        Self { buffer, _guard: guard }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer.0.lock().expect("no panic in here")).into_owned()
    }

    /// Waits for a warning that the background gives.
    async fn until(&self, word: &str) -> String {
        let warned = async {
            while !self.text().contains(word) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let warned = tokio::time::timeout(Duration::from_secs(30), warned).await;
        warned.unwrap_or_else(|_| panic!("no warning of {word}: {}", self.text()));
        self.text()
    }
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic in here").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
