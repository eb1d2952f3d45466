//! Who waits for a loss is woken by a waker of the user's executor, and what an executor does in `wake` is not ours to
//! say: one that has been closed drops the task there and then, and with it the guard.

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
};

use shylock_core::AsyncLockGuard;
use support::{Faulty, s};
use tokio::runtime::{Builder, Runtime};

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Drops its task where it is woken, and tells so afterwards.
struct Task(Mutex<Option<Waiting>>, mpsc::Sender<()>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let task = self.0.lock().expect("no panic").take();
        drop(task);
        // Nobody listens any more where the test has failed.
        self.1.send(()).unwrap_or_default();
    }
}

/// A guard in a task that waits for its loss, and that is dropped when it is woken.
fn waiting_for_the_loss(guard: AsyncLockGuard, tell: mpsc::Sender<()>) {
    let lost = guard.lost();
    let mut task: Waiting = Box::pin(async move {
        lost.await;
        drop(guard);
    });
    let dropping = Arc::new(Task(Mutex::new(None), tell));
    let waker = Waker::from(Arc::clone(&dropping));
    assert!(matches!(task.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
    *dropping.0.lock().expect("no panic") = Some(task);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// The keeper finds that the lease is over, and tells the holder.
#[test]
fn a_waker_that_drops_the_guard_does_not_stop_the_keeper() {
    let runtime = runtime();
    let manager = runtime.block_on(async { Faulty::default().manager() });
    let lock = manager.lock("x").with_ttl(s(1)).with_auto_renew(false);
    let guard = runtime.block_on(lock.acquire()).expect("granted");
    let (tell, told) = mpsc::channel();
    waiting_for_the_loss(guard, tell);
    let outcome = told.recv_timeout(s(10));
    if outcome.is_err() {
        // Its threads hang, and would hang whoever waits for them.
        std::mem::forget(runtime);
    }
    outcome
        .expect("a deadlock: the keeper hangs in the user's waker, and no lease of this manager is renewed any more");
}
