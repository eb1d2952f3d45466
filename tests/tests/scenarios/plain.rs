//! What is printed of an error is plain words: no dumps of replies, and nothing as Rust prints it for debugging.

use std::error::Error as StdError;

use mongodb::bson::doc;
use shylock_mongo::{Error, Fence, LockManager, MongoBackend, MongoError};
use shylock_tests::{Kind, Mongo, Source, assert_silent};

use crate::{fresh, secrets::PASSWORD};

/// Asserts it of an error, of its sources, and of what `{:?}` prints.
pub(crate) fn assert_plain(error: &(dyn StdError + 'static)) {
    let mut texts = vec![format!("{error:?}")];
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    for text in texts {
        for dump in ["RawDocumentBuf", "labels: ", "Kind: ", "server response", "ReadPreference(", "BinData("] {
            assert!(!text.contains(dump), "{text}");
        }
        let longest = text.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap_or_default();
        assert!(longest < 24, "{longest} hexadecimal digits: {text}");
    }
}

async fn of_acquiring(backend: MongoBackend) -> Error {
    LockManager::new(backend).lock("x").try_acquire().await.map(drop).expect_err("refused")
}

fn source(error: &Error) -> &MongoError {
    let source = error.source().expect("why");
    source.downcast_ref().unwrap_or_else(|| panic!("{source:?}"))
}

#[tokio::test]
async fn a_missing_right_and_a_wrong_password() {
    let mongo = Mongo::with_auth().await;
    let user = fresh("user");
    mongo.create_user(&user, PASSWORD, Vec::new()).await;
    let backend = MongoBackend::connect(mongo.uri_for(&user, PASSWORD), "shylock_plain").await.expect("connected");
    let error = of_acquiring(backend).await;
    assert_plain(&error);
    let text = source(&error).to_string();
    let says = "error 13 (Unauthorized): not authorized on shylock_plain to execute the command `findAndModify`";
    assert_eq!(text, says);
    assert_eq!(source(&error).code(), Some(13));
    assert!(source(&error).driver().is_some(), "the driver's own error is in reach");

    let wrong = mongo.uri_for(&user, &format!("{PASSWORD}-wrong"));
    let error = MongoBackend::connect(wrong, "shylock_plain").await.expect_err("refused");
    assert_plain(&error);
    assert_silent(&error);
    assert_eq!(source(&error).code(), Some(18), "{error:?}");
}

#[tokio::test]
async fn servers_that_are_not_there_or_no_primary() {
    let shorter = "serverSelectionTimeoutMS=500";
    let error = MongoBackend::connect(format!("mongodb://127.0.0.1:1/?{shorter}"), "x").await.expect_err("nobody");
    assert_plain(&error);
    let text = source(&error).to_string();
    assert!(text.starts_with("no server can be reached: 127.0.0.1:1: "), "{text}");

    let mongo = Mongo::replica_set(3).await;
    let hello = mongo.client().await.database("admin").run_command(doc! { "hello": 1 }).await.expect("answered");
    let primary = hello.get_str("primary").expect("a primary");
    let secondary = mongo.hosts().split(',').find(|host| *host != primary).expect("three members");
    let uri = format!("mongodb://{secondary}/?directConnection=true&{shorter}");
    let error = MongoBackend::connect(uri, "shylock_plain").await.map(LockManager::new);
    let error = match error {
        Ok(manager) => manager.lock("x").try_acquire().await.map(drop).expect_err("it is no primary"),
        Err(error) => error,
    };
    assert_plain(&error);
    let uri = format!("mongodb://{secondary}/?replicaSet=another&{shorter}");
    let error = MongoBackend::connect(uri, "shylock_plain").await.expect_err("another set");
    assert_plain(&error);
}

#[tokio::test]
async fn failures_that_pass_and_a_fence_that_fails() {
    let mongo = Mongo::start(Kind::ReplicaSet(1), Source::chosen().await).await;
    let manager = crate::manager(&mongo).await;
    let admin = mongo.client().await.database("admin");
    for code in [50, 262, 11600, 13435] {
        let data = doc! { "failCommands": ["find", "findAndModify"], "appName": "shylock", "errorCode": code };
        let fail = doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data };
        admin.run_command(fail).await.expect("the test server takes fail points");
        let looked = manager.inspect("x").await.map(drop).expect_err("refused");
        let limit = std::time::Duration::from_millis(200);
        let acquired = manager.lock("x").acquire_timeout(limit).await.map(drop).expect_err("refused");
        for error in [looked, acquired] {
            assert_plain(&error);
            assert!(matches!(error, Error::Backend { retryable: true, .. }), "{code}: {error:?}");
        }
    }
    let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    admin.run_command(off.clone()).await.expect("switched off");
    let guard = manager.lock("fenced").acquire().await.expect("granted");
    let client = mongo.client().await;
    let mut session = client.start_session().await.expect("a session");
    session.start_transaction().await.expect("started");
    let data = doc! { "failCommands": ["update"], "errorCode": 112, "errorLabels": ["TransientTransactionError"] };
    let fail = doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data };
    admin.run_command(fail).await.expect("the test server takes fail points");
    let error = guard.fence(&mut session).await.expect_err("a conflict");
    assert_plain(&error);
    let driver = mongodb::error::Error::from(error);
    assert!(driver.contains_label("TransientTransactionError"), "the driver repeats the transaction");
    admin.run_command(off).await.expect("switched off");
}
