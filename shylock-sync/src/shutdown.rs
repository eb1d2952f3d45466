//! [`shutdown`]: an orderly end.

use std::time::{Duration, Instant};

use crate::{manager, runtime};

/// What the end may take: for the releases under way, and for the thread.
const LIMIT: Duration = Duration::from_secs(2);

/// Ends the runtime of the blocking calls, for a program that leaves nothing running behind: its thread, and the
/// connections of the stores that were made on it by [`block_on`](crate::block_on).
///
/// What was let go of is released first, as by [`LockManager::close`](crate::LockManager::close), for 2 s at most.
/// Calls that wait fail with [`Error::Stopped`](crate::Error::Stopped). Guards that are still alive are told that they
/// are lost; their leases end by themselves. Managers that worked on the runtime stay stopped; a later call of
/// [`block_on`](crate::block_on) or [`configure`](crate::configure) starts another one.
///
/// It takes 5 s at most. Where a [`block_on`](crate::block_on) of another thread goes on for longer, the thread ends
/// with it, and this is logged. A program need not call it: a process that ends, ends the thread.
pub fn shutdown() {
    if !runtime::is_running() {
        return;
    }
    let since = Instant::now();
    for manager in manager::all_open() {
        manager.close_within(LIMIT.saturating_sub(since.elapsed()));
    }
    if !runtime::end(LIMIT) {
        tracing::warn!("the runtime of the blocking calls is still in use, and ends when it is not");
    }
}
