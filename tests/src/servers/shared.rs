//! The servers that all tests of a process share, one of each kind and version.

use std::sync::Arc;

use super::{
    failure::Result,
    kind::Kind,
    once::Once,
    server::{self, Server},
    source::Source,
    version::Version,
};

static SERVERS: Once<(Kind, Version), Arc<Server>> = Once::new();

/// The server of that kind and version.
pub(crate) async fn server(kind: Kind, version: Version, source: Source) -> Result<Arc<Server>> {
    let start = async move { server::get(kind, version, source).await.map(Arc::new) };
    SERVERS.get((kind, version), start).await
}
