//! The servers that all tests of a process share, one of each kind.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::{
    failure::Result,
    kind::Kind,
    runtime,
    server::{self, Server},
    source::Source,
};

type Cell = Arc<OnceCell<Result<Arc<Server>>>>;

static SERVERS: LazyLock<Mutex<HashMap<Kind, Cell>>> = LazyLock::new(Mutex::default);

/// The server of that kind. A failure is kept as well: each test fails with it, and none waits
/// for another one.
pub(crate) async fn server(kind: Kind, source: Source) -> Result<Arc<Server>> {
    let cell = {
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(kind).or_default())
    };
    let start = async move { server::get(kind, source).await.map(Arc::new) };
    cell.get_or_init(|| runtime::run(start)).await.clone()
}
