use std::time::Duration;

use shylock_sqlite::{AcquireRequest, Attempt, Backend, HolderId, HolderInfo, LeaseKey, LockName, SqliteBackend};

/// Runs it on a runtime of its own.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

pub(crate) fn name(name: &str) -> LockName {
    LockName::new(name).expect("a valid name")
}

/// A wish of a new holder.
pub(crate) fn request(name: &LockName, ttl: Duration) -> AcquireRequest {
    let holder = HolderId::random().expect("random numbers");
    AcquireRequest { name: name.clone(), holder, ttl, info: HolderInfo::default() }
}

/// The lease of a free lock.
pub(crate) async fn acquire(store: &SqliteBackend, name: &LockName, ttl: Duration) -> LeaseKey {
    let request = request(name, ttl);
    match store.try_acquire(&request).await.expect("the store answers") {
        Attempt::Granted(grant) => LeaseKey { name: name.clone(), holder: request.holder, token: grant.token },
        Attempt::Held(info) => panic!("it is held: {info:?}"),
    }
}
