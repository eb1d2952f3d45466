//! Where requests can be sent: on a tokio runtime with timers and, for our own HTTP client, I/O. Elsewhere tokio panics,
//! which is its only way to say so; the panic goes no further than this.

use std::{panic::catch_unwind, time::Duration};

use tokio::{net::UdpSocket, runtime::Handle, time::sleep};

use crate::error::RequestError;

const NONE: RequestError = RequestError::Runtime(
    "there is no tokio runtime here: call this on one, or from blocking code by `sync::block_on` (feature `sync` of \
     shylock-arango)",
);
const UNEQUIPPED: RequestError = RequestError::Runtime(
    "the tokio runtime has no timers or no I/O: build it with `enable_all`, or use `sync::block_on` (feature `sync` of \
     shylock-arango)",
);

/// Fails where a request could not be waited for.
pub(crate) fn timed() -> Result<(), RequestError> {
    Handle::try_current().map_err(|_| NONE)?;
    catch_unwind(|| drop(sleep(Duration::ZERO))).map_err(|_| UNEQUIPPED)
}

/// Fails where there is no I/O, too.
pub(crate) fn equipped() -> Result<(), RequestError> {
    timed()?;
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).and_then(|s| s.set_nonblocking(true).map(|()| s));
    // A machine on which nothing can be bound says nothing of its runtime.
    let Ok(socket) = socket else { return Ok(()) };
    catch_unwind(|| drop(UdpSocket::from_std(socket))).map_err(|_| UNEQUIPPED)
}
