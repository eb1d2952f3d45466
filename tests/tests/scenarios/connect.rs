//! Addresses that cannot be right, and servers that are not there: the typed error, within its time.

use std::time::Duration;

use mongodb::Client;
use shylock_mongo::{Error, LockManager, MongoBackend};
use shylock_tests::{Mongo, Stopwatch};

use crate::secrets::{PASSWORD, assert_silent};

#[tokio::test]
async fn bad_addresses_are_named_and_not_repeated() {
    shylock_tests::trace();
    for (uri, says) in [
        (format!("mongodb://me:{PASSWORD}@/db"), "no host"),
        (format!("mongodb://me:{PASSWORD}@:27017"), "no host"),
        ("mongodb://".to_owned(), "no host"),
        (format!("postgres://me:{PASSWORD}@localhost"), "scheme"),
        (format!("me:{PASSWORD}@localhost"), "scheme"),
        (String::new(), "scheme"),
        (format!("mongodb://me:{PASSWORD}@a@localhost"), "percent-encode"),
        (format!("mongodb://me:12/{PASSWORD}@localhost"), "percent-encode"),
        (format!("mongodb://me:{PASSWORD}@localhost:99999"), "cannot parse"),
        (format!("mongodb://me:{PASSWORD}%ZZ@localhost"), "`%25`"),
        (
            format!("mongodb://me:{PASSWORD}@localhost/?ssl={PASSWORD}"),
            "cannot parse it: it does not take the value of the option `ssl`",
        ),
        (format!("mongodb://me:{PASSWORD}@localhost/?w=1&conect={PASSWORD}"), "it does not know the option `conect`"),
        (format!("mongodb://me:1@2?x&{PASSWORD}=1&y=3@localhost"), "option number"),
        (format!("mongodb://me:{PASSWORD}@ho st:27017"), "white space"),
    ] {
        let error = MongoBackend::connect(&uri, "db").await.expect_err("cannot be right");
        assert_silent(&error);
        let Error::InvalidOption { option: "uri", reason } = &error else { panic!("{uri}: {error:?}") };
        assert!(reason.contains(says), "{uri}: {reason}");
    }
}

/// Whether it can be is a feature of `shylock-mongo`, which the program `shylock` has.
#[tokio::test]
async fn an_address_that_cannot_be_looked_up_is_not_repeated() {
    shylock_tests::trace();
    let uri = format!("mongodb+srv://me:{PASSWORD}@nowhere.invalid");
    let error = MongoBackend::connect(uri, "db").await.expect_err("there is no such name");
    assert_silent(&error);
    match &error {
        Error::InvalidOption { option: "uri", reason } => assert!(reason.contains("dns-srv"), "{reason}"),
        other => assert!(matches!(other, Error::Backend { .. }), "{other:?}"),
    }
}

#[tokio::test]
async fn bad_names_and_options_are_refused_before_any_connection() {
    let nowhere = "mongodb://127.0.0.1:1";
    for (database, collection, option) in [
        ("", "locks", "database"),
        ("a.b", "locks", "database"),
        ("a b", "locks", "database"),
        ("a$b", "locks", "database"),
        ("db", "", "collection"),
        ("db", "a$b", "collection"),
        ("db", "system.locks", "collection"),
    ] {
        let error = MongoBackend::builder().collection(collection).connect(nowhere, database).await;
        let error = error.expect_err("cannot be right");
        assert!(matches!(error, Error::InvalidOption { option: wrong, .. } if wrong == option), "{error:?}");
    }
    for builder in [
        MongoBackend::builder().retention(Duration::from_secs(1)),
        MongoBackend::builder().retention(Duration::MAX),
        MongoBackend::builder().skew_allowance(Duration::from_secs(3601)),
    ] {
        let error = builder.connect(nowhere, "db").await.expect_err("out of bounds");
        assert!(matches!(error, Error::InvalidOption { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    shylock_tests::trace();
    let uri = format!("mongodb://me:{PASSWORD}@127.0.0.1:1");
    let watch = Stopwatch::start();
    let error = MongoBackend::connect(&uri, "db").await.expect_err("nobody listens");
    let took = watch.took();
    assert_silent(&error);
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    assert!(took < Duration::from_millis(3500), "{took:?}");

    // With a client of the user's, whose own time-out is 30 s, the caller's time counts.
    let client = Client::with_uri_str(&uri).await.expect("an address");
    let lock = LockManager::new(MongoBackend::new(client.database("db"))).lock("x");
    let watch = Stopwatch::start();
    let error = lock.acquire_timeout(Duration::from_millis(700)).await.expect_err("nobody listens");
    let took = watch.took();
    assert_silent(&error);
    assert!(matches!(error, Error::Backend { retryable: true, .. }), "{error:?}");
    assert!(took < Duration::from_millis(750), "{took:?}");
}

/// Whatever an address says about write concern, read concern and read preference, locks work by their own rules.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_cannot_weaken_a_lock() {
    let mongo = Mongo::replica_set(3).await;
    let options = "w=1&journal=false&readPreference=secondary&readConcernLevel=local&retryWrites=false";
    let uri = format!("{}&{options}", mongo.uri());
    // A database of its own, whose profiler shows what arrives.
    let name = crate::fresh("p").split_off(12);
    let database = Client::with_uri_str(mongo.uri()).await.expect("an address").database(&name);
    database.run_command(mongodb::bson::doc! { "profile": 2 }).await.expect("profiled");
    let manager = LockManager::new(MongoBackend::connect(&uri, &name).await.expect("connected"));
    let lock = manager.lock("x");
    let guard = lock.acquire().await.expect("granted");
    guard.renew().await.expect("renewed");
    let waiting = tokio::spawn(async move { lock.acquire().await });
    while manager.inspect("x").await.expect("the store answers").is_some_and(|info| info.token == guard.token())
        && !waits(&database).await
    {}
    guard.release().await.expect("handed over");
    waiting.await.expect("no panic").expect("granted").release().await.expect("released");
    manager.close().await;

    let sent = profiled(&database).await;
    for (command, least) in [("findAndModify", 3), ("update", 2)] {
        let of_this: Vec<_> = sent.iter().filter(|sent| sent.contains_key(command)).collect();
        assert!(of_this.len() >= least, "{} of {command} were seen", of_this.len());
        for sent in of_this {
            let concern = sent.get_document("writeConcern").expect("a write concern");
            assert_eq!(
                (concern.get("w"), concern.get("j")),
                (Some(&"majority".into()), Some(&true.into())),
                "{command}"
            );
        }
    }
    database.drop().await.expect("dropped");
}

/// Two attempts of another holder have arrived: the waiter's.
async fn waits(database: &mongodb::Database) -> bool {
    profiled(database).await.iter().filter(|sent| sent.contains_key("findAndModify")).count() >= 2
}

/// The commands that arrived for the collection of the locks.
async fn profiled(database: &mongodb::Database) -> Vec<mongodb::bson::Document> {
    let of_locks = mongodb::bson::doc! { "ns": format!("{}.shylock_locks", database.name()) };
    let profile = database.collection::<mongodb::bson::Document>("system.profile");
    let mut found = profile.find(of_locks).await.expect("read");
    let mut commands = Vec::new();
    while found.advance().await.expect("read") {
        let entry = found.deserialize_current().expect("a document");
        if let Ok(command) = entry.get_document("command") {
            commands.push(command.clone());
        }
    }
    commands
}
