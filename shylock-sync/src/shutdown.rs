//! [`shutdown`]: an orderly end.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use shylock_core::PerProcess;

use crate::{manager, runtime};

/// What the end may take: for the releases under way, and for the thread.
const LIMIT: Duration = Duration::from_secs(2);

/// Who calls while another does waits for the same end.
static ENDING: PerProcess<Mutex<()>> = PerProcess::new();

/// Ends the runtime of the blocking calls, for a program that leaves nothing running behind: its thread, and the
/// connections of the stores that were made on it by [`block_on`](crate::block_on).
///
/// What was let go of is released first, as by [`LockManager::close`](crate::LockManager::close), for 2 s at most.
/// Calls that wait fail with [`Error::Stopped`](crate::Error::Stopped). Guards that are still alive are told that they
/// are lost; their leases end by themselves. Managers that worked on the runtime stay stopped. Another runtime is
/// started by [`block_on`](crate::block_on), by a new manager, or by a call on one that works on another runtime.
///
/// It takes 5 s at most. Where a [`block_on`](crate::block_on) of another thread goes on for longer, the thread ends
/// with it, and this is logged. In a task on the runtime itself it returns at once, and ends it in the background. A
/// program need not call it: a process that ends, ends the thread.
pub fn shutdown() {
    if !runtime::is_own_thread() {
        return end();
    }
    if let Err(error) = thread::Builder::new().name("shylock-end".into()).spawn(end) {
        tracing::error!(%error, "no thread could be started to end the runtime of the blocking calls");
    }
}

fn end() {
    let _one_at_a_time = ENDING.get().lock().unwrap_or_else(PoisonError::into_inner);
    if !runtime::is_running() {
        return;
    }
    let since = Instant::now();
    let closing = manager::all_open().into_iter().map(|manager| runtime::call(async move { manager.close().await }));
    // All are begun before the first is waited for.
    for close in closing.collect::<Vec<_>>().into_iter().flatten() {
        close.within(LIMIT.saturating_sub(since.elapsed()));
    }
    if !runtime::end(LIMIT) {
        tracing::warn!("the runtime of the blocking calls is still in use, and ends when it is not");
    }
}
