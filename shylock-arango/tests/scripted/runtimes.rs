//! Where there is no tokio runtime, or one that lacks something, calls fail with an error that names the way out.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use shylock_arango::{Backend, Credentials, Error, LockManager};
use tokio::runtime::{Builder, Runtime};

use crate::{
    lab::{builder, connected, name, shown},
    responder::Server,
};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// What a future does on a thread without a runtime: nothing wakes it, so it has to be ready at once.
fn outside<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for a runtime"),
    }
}

#[test]
fn outside_of_a_runtime_the_blocking_api_is_named() {
    let connecting = builder().connect("http://127.0.0.1:1", "locks", Credentials::none());
    let error = outside(connecting).expect_err("there is no runtime");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert!(shown(&error).contains("`sync::block_on`"), "{error:?}");

    let inside = runtime();
    let (_server, backend) = inside.block_on(async {
        let server = Server::healthy().await;
        let backend = connected(builder(), &server).await;
        (server, backend)
    });
    let error = outside(backend.inspect(&name())).expect_err("there is no runtime");
    assert!(shown(&error).contains("no tokio runtime"), "{error:?}");
}

#[test]
fn a_runtime_that_lacks_something_is_told_what() {
    for mut lacking in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        for with_timers in [false, true] {
            if with_timers {
                lacking.enable_time();
            }
            let runtime = lacking.build().expect("a runtime");
            let connecting = builder().connect("http://127.0.0.1:1", "locks", Credentials::none());
            let error = runtime.block_on(connecting).expect_err("it lacks something");
            assert!(shown(&error).contains("`enable_all`"), "{error:?}");
        }
    }
}

/// The connections of the runtime on which it was connected are gone with that.
#[test]
fn the_own_thread_of_a_manager_can_connect() {
    let (home, first) = (runtime(), runtime());
    let server = home.block_on(Server::healthy());
    let backend = first.block_on(connected(builder(), &server));
    drop(first);
    let manager = LockManager::builder(backend).own_thread().build().expect("valid");
    home.block_on(manager.inspect("invoice-42")).expect("an answer");
}
