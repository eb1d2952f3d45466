//! The runtime on which servers are started.

use std::{future::Future, panic, sync::LazyLock};

use tokio::runtime::{Builder, Runtime};

/// Every `#[tokio::test]` has a runtime of its own, which ends with the test. Servers are shared, so
/// what starts them lives here.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("shylock-tests")
        .enable_all()
        .build()
        .expect("a thread for the servers of the tests")
});

/// Runs `task` there.
pub(crate) async fn run<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    match RUNTIME.spawn(task).await {
        Ok(result) => result,
        Err(failure) => panic::resume_unwind(failure.into_panic()),
    }
}
