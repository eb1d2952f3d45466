//! Where there is no tokio runtime, or one that lacks something, calls fail with an error that names the way out.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use mongodb::Client;
use shylock_core::{Backend, LockName};
use shylock_mongo::{Error, Fence, LockManager, MongoBackend};
use shylock_tests::Mongo;
use tokio::runtime::{Builder, Runtime};

use crate::{fresh, plain::assert_plain, setup::wait_for_indexes};

const DATABASE: &str = "shylock_runtimes";

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// What a future does on a thread without a runtime.
fn outside<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something that never comes"),
    }
}

fn assert_says(error: &(dyn std::error::Error + 'static), words: &str) {
    assert_plain(error);
    let text = format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default());
    assert!(text.contains(words), "{text}");
}

#[test]
fn connecting_outside_of_a_runtime_names_the_blocking_api() {
    for address in ["mongodb://127.0.0.1:1", "mongodb://127.0.0.1:1/?tls=true"] {
        let error = outside(MongoBackend::connect(address, "x")).expect_err("there is no runtime");
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
        assert_says(&error, "`sync::block_on`");
    }
}

#[test]
fn connecting_on_a_runtime_without_drivers_names_what_is_missing() {
    for enable in [|_: &mut Builder| {}, enable_time, enable_io] {
        let mut builder = Builder::new_current_thread();
        enable(&mut builder);
        let runtime = builder.build().expect("a runtime");
        let error =
            runtime.block_on(MongoBackend::connect("mongodb://127.0.0.1:1", "x")).expect_err("it lacks something");
        assert_says(&error, "`enable_all`");
    }
}

fn enable_time(builder: &mut Builder) {
    builder.enable_time();
}

fn enable_io(builder: &mut Builder) {
    builder.enable_io();
}

#[test]
fn calls_and_fences_outside_of_a_runtime_fail() {
    let inside = runtime();
    let (guard, mut session, backend) = inside.block_on(async {
        let client = Mongo::replica_set(1).await.client().await;
        let backend = MongoBackend::new(client.database(DATABASE));
        let guard = LockManager::new(backend.clone()).lock(fresh("fenced")).acquire().await.expect("granted");
        // A transaction that meets their end is in conflict with them.
        wait_for_indexes(&client.database(DATABASE), "shylock_locks").await;
        let mut session = client.start_session().await.expect("a session");
        session.start_transaction().await.expect("started");
        (guard, session, backend)
    });
    let name = LockName::new("x").expect("a name");
    assert_says(&outside(backend.inspect(&name)).expect_err("no runtime"), "`sync::block_on`");
    assert_says(&outside(backend.watch()).expect_err("no runtime"), "`sync::block_on`");
    let error = outside(guard.fence(&mut session)).expect_err("no runtime");
    assert_says(&Error::from(error), "`sync::block_on`");
    let bare = Builder::new_current_thread().build().expect("a runtime");
    let error = bare.block_on(guard.fence(&mut session)).expect_err("no timers");
    assert_says(&Error::from(error), "`enable_all`");
    inside.block_on(async {
        guard.fence(&mut session).await.expect("nothing was spoilt");
        session.abort_transaction().await.expect("aborted");
        guard.release().await.expect("released");
    });
}

/// As in tests that share a client: each has a runtime of its own, and the first one's is gone.
#[test]
fn a_client_whose_runtime_has_ended_says_so_at_once() {
    let first = runtime();
    let (mongo, client, connected) = first.block_on(async {
        let mongo = Mongo::standalone().await;
        let client = Client::with_uri_str(mongo.uri()).await.expect("an address");
        let connected = MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected");
        (mongo, client, connected)
    });
    drop(first);
    runtime().block_on(async {
        for backend in [MongoBackend::new(client.database(DATABASE)), connected] {
            let manager = LockManager::new(backend);
            let since = Instant::now();
            let error = manager.lock(fresh("late")).acquire().await.map(drop).expect_err("its client is gone");
            assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
            assert_says(&error, "`#[tokio::test]`");
        }
        let again = MongoBackend::connect(mongo.uri(), DATABASE).await.expect("connected");
        let guard = LockManager::new(again).lock(fresh("again")).acquire().await.expect("granted");
        guard.release().await.expect("released");
    });
}
