//! What most tests begin with.

use std::time::Duration;

use shylock_arango::{AcquireRequest, ArangoBackend, ArangoBuilder, Credentials, HolderId, HolderInfo, LockName};

use crate::responder::Server;

pub(crate) fn request() -> AcquireRequest {
    AcquireRequest {
        name: name(),
        holder: HolderId::random().expect("random numbers"),
        ttl: Duration::from_secs(30),
        info: HolderInfo::default(),
    }
}

pub(crate) fn name() -> LockName {
    LockName::new("invoice-42").expect("a valid name")
}

/// Time-outs that a test can wait for.
pub(crate) fn builder() -> ArangoBuilder {
    ArangoBackend::builder().request_timeout(Duration::from_secs(1)).connect_timeout(Duration::from_secs(1))
}

pub(crate) async fn connected(builder: ArangoBuilder, server: &Server) -> ArangoBackend {
    builder.connect(&server.url, "locks", Credentials::none()).await.expect("connected")
}

/// An error and all of its sources, in both forms.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    let mut shown = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        shown += &format!(" {error:?} {error}");
        source = error.source();
    }
    shown
}
