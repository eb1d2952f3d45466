//! Where the driver can work: on a tokio runtime with I/O and timers. Elsewhere it panics, or waits for ever.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use shylock_core::BackendError;
use tokio::{
    net::UdpSocket,
    runtime::Handle,
    time::{Sleep, sleep},
};

use crate::mongo_error::MongoError;

const NO_RUNTIME: &str = "there is no tokio runtime here: call this on one, or from blocking code by `sync::block_on` \
     (feature `sync` of shylock-mongo)";
const NO_DRIVERS: &str = "the tokio runtime has no timers or no I/O: build it with `enable_all`, or use \
     `sync::block_on` (feature `sync` of shylock-mongo)";
/// What is wrong with a client that fails at once, each time.
pub(crate) const CLIENT_ENDED: &str = "the tokio runtime on which the MongoDB client was made has ended, and the client \
     with it: connect on a runtime that lives as long as the locks (each `#[tokio::test]` has a runtime of its own, so \
     connect in each, or connect by `sync::block_on`)";

/// Fails outside of a runtime.
pub(crate) fn entered() -> Result<(), BackendError> {
    Handle::try_current().map(drop).map_err(|_| BackendError::permanent(MongoError::new(NO_RUNTIME)))
}

/// Fails on a runtime without timers and I/O, too. Tokio says so only by a panic, which goes no further than this.
pub(crate) fn equipped() -> Result<(), BackendError> {
    entered()?;
    let no_drivers = || BackendError::permanent(MongoError::new(NO_DRIVERS));
    drop(timer(Duration::ZERO)?);
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).and_then(|s| s.set_nonblocking(true).map(|()| s));
    // A machine on which nothing can be bound says nothing of its runtime.
    let Ok(socket) = socket else { return Ok(()) };
    catch_unwind(|| drop(UdpSocket::from_std(socket))).map_err(|_| no_drivers())
}

/// The output of the future, or `None` if it takes longer.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<Option<T>, BackendError> {
    let timer = timer(limit)?;
    tokio::select! {
        biased;
        output = future => Ok(Some(output)),
        () = timer => Ok(None),
    }
}

fn timer(time: Duration) -> Result<Sleep, BackendError> {
    entered()?;
    catch_unwind(AssertUnwindSafe(|| sleep(time))).map_err(|_| BackendError::permanent(MongoError::new(NO_DRIVERS)))
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use tokio::runtime::Builder;

    use super::*;

    fn text(error: &BackendError) -> String {
        std::error::Error::source(error).expect("the reason").to_string()
    }

    #[test]
    fn without_a_runtime_it_is_said_where_there_is_one() {
        let error = entered().expect_err("there is none");
        assert!(text(&error).contains("`sync::block_on`"), "{error:?}");
        let mut late = std::pin::pin!(within(Duration::ZERO, async {}));
        let Poll::Ready(Err(error)) = late.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it needs a runtime")
        };
        assert!(text(&error).contains("no tokio runtime"), "{error:?}");
    }

    #[test]
    fn a_runtime_without_timers_or_io_is_named() {
        let bare = Builder::new_current_thread().build().expect("a runtime");
        let timed = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let with_io = Builder::new_current_thread().enable_io().build().expect("a runtime");
        for runtime in [&bare, &timed, &with_io] {
            let error = runtime.block_on(async { equipped() }).expect_err("something is missing");
            assert!(text(&error).contains("`enable_all`"), "{error:?}");
            runtime.block_on(async { entered() }).expect("it is a runtime");
        }
        let error = with_io.block_on(within(Duration::ZERO, async {})).expect_err("there are no timers");
        assert!(text(&error).contains("`enable_all`"), "{error:?}");
        Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            equipped().expect("nothing is missing");
            assert_eq!(within(Duration::ZERO, std::future::pending::<()>()).await.expect("timers"), None);
            assert_eq!(within(Duration::ZERO, async { 7 }).await.expect("timers"), Some(7));
        });
    }
}
