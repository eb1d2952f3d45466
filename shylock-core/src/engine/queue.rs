//! The local waiters of each name, first come, first served. Only the first of a line talks to the store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::{
    acquisition::Acquisition,
    lease::Lease,
    turns::{Others, Row, STEP_BACK},
};
use crate::{HolderInfo, LockName};

/// How long a holder that releases waits for the next in line to be ready: it is a running task, or suspended by its
/// user.
const READY: Duration = Duration::from_millis(2);

/// The lines of one manager. A name that nobody here waits for or holds has none.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    lines: HashMap<LockName, Line>,
    waiters: usize,
}

#[derive(Debug, Default)]
struct Line {
    /// The lease by which this process holds the lock.
    holder: Weak<Lease>,
    /// Boxed, since most locks that are held have no queue.
    queue: Option<Box<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiters: BTreeMap<u64, Arc<Waiter>>,
    next: u64,
    /// The queue stepped back until then.
    not_before: Option<Instant>,
    others: Others,
    /// Who held the lock when the first in the queue last looked.
    seen: Option<HolderInfo>,
}

#[derive(Debug, Default)]
struct Waiter {
    wake: Notify,
    /// The acquisition of the first of a line, so that a holder can hand the lock over to it.
    acquisition: Mutex<Weak<Acquisition>>,
    offered: Notify,
}

/// A place in a line. Dropping it passes the turn on.
#[derive(Debug)]
pub(crate) struct Place {
    lines: Arc<Lines>,
    name: LockName,
    number: u64,
    waiter: Arc<Waiter>,
}

/// What a releasing holder shall do for the local waiters.
#[derive(Debug)]
pub(crate) enum Next {
    /// There are none, or other processes had no chance for long.
    Release,
    /// Wait for the first, whose turn has just come, and ask again.
    Soon(Soon),
    /// Hand over to this one, whose lease goes on with the row.
    HandOff(Arc<Acquisition>, Row),
}

/// A first waiter that is about to be ready.
#[derive(Debug)]
pub(crate) struct Soon(Arc<Waiter>);

impl Soon {
    /// Resolves when it is ready, or has left, or does not come.
    pub(crate) async fn ready(self) {
        drop(time::timeout(READY, self.0.offered.notified()).await);
    }
}

impl Lines {
    pub(crate) fn join(self: &Arc<Self>, name: &LockName) -> Place {
        let waiter = Arc::new(Waiter::default());
        let mut table = self.table();
        table.waiters += 1;
        let queue = table.lines.entry(name.clone()).or_default().queue.get_or_insert_default();
        let number = queue.next;
        queue.next += 1;
        queue.waiters.insert(number, Arc::clone(&waiter));
        Place { lines: Arc::clone(self), name: name.clone(), number, waiter }
    }

    /// Notes that this process holds the lock.
    pub(crate) fn hold(&self, lease: &Arc<Lease>) {
        self.table().lines.entry(lease.key.name.clone()).or_default().holder = Arc::downgrade(lease);
    }

    /// Notes that it holds the lock by this lease no more.
    pub(crate) fn let_go(&self, lease: &Arc<Lease>) {
        let mut table = self.table();
        let Some(line) = table.lines.get_mut(&lease.key.name) else { return };
        if std::ptr::eq(line.holder.as_ptr(), Arc::as_ptr(lease)) {
            line.holder = Weak::new();
            table.tidy_up(&lease.key.name);
        }
    }

    /// Whom the holder of `name`, whose lease came by so many hand-offs, shall hand it to.
    pub(crate) fn next(&self, name: &LockName, row: Row) -> Next {
        let mut table = self.table();
        let Some(queue) = table.queue(name) else { return Next::Release };
        let Some(first) = queue.first().cloned() else { return Next::Release };
        let Some(acquisition) = first.acquisition().upgrade() else { return Next::Soon(Soon(first)) };
        let Some(row) = row.longer(queue.others) else {
            queue.not_before = Some(Instant::now() + STEP_BACK);
            return Next::Release;
        };
        Next::HandOff(acquisition, row)
    }

    /// Tells the first waiter that the lock may be free.
    pub(crate) fn wake(&self, name: &LockName) {
        if let Some(first) = self.table().queue(name).and_then(|queue| queue.first()) {
            first.wake.notify_one();
        }
    }

    /// Tells the first waiter of each name that its lock may be free.
    pub(crate) fn wake_all(&self) {
        let table = self.table();
        let queues = table.lines.values().filter_map(|line| line.queue.as_ref());
        queues.filter_map(|queue| queue.first()).for_each(|first| first.wake.notify_one());
    }

    /// Whether somebody waits for any lock.
    pub(crate) fn have_waiters(&self) -> bool {
        self.table().waiters > 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn queue(&mut self, name: &LockName) -> Option<&mut Queue> {
        self.lines.get_mut(name)?.queue.as_deref_mut()
    }

    /// Removes the line of a name that nobody waits for or holds any more.
    fn tidy_up(&mut self, name: &LockName) {
        if self.lines.get(name).is_some_and(|line| line.queue.is_none() && line.holder.strong_count() == 0) {
            self.lines.remove(name);
        }
        // What a crowd once needed is given back.
        if self.lines.capacity() > 1024 && self.lines.len() < self.lines.capacity() / 8 {
            self.lines.shrink_to(self.lines.len() * 2);
        }
    }
}

impl Queue {
    fn first(&self) -> Option<&Arc<Waiter>> {
        self.waiters.first_key_value().map(|(_, first)| first)
    }
}

impl Place {
    /// Resolves when this is the first of its line.
    pub(crate) async fn turn(&self) {
        while !self.is_first() {
            self.waiter.wake.notified().await;
        }
    }

    /// Resolves when the lock may have become free.
    pub(crate) async fn woken(&self) {
        self.waiter.wake.notified().await;
    }

    /// Makes this acquisition the one that a holder may hand the lock to.
    pub(crate) fn offer(&self, acquisition: &Arc<Acquisition>) {
        *self.waiter.acquisition() = Arc::downgrade(acquisition);
        self.waiter.offered.notify_one();
    }

    /// The lease by which this process holds the lock.
    pub(crate) fn holder_here(&self) -> Option<Arc<Lease>> {
        self.lines.table().lines.get(&self.name).and_then(|line| line.holder.upgrade())
    }

    /// When this line may ask for the lock again, after it stepped back.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.in_queue(|queue| queue.not_before).flatten()
    }

    /// Notes who holds the lock.
    pub(crate) fn note_holder(&self, holder: HolderInfo) {
        self.in_queue(|queue| queue.seen = Some(holder));
    }

    /// Notes what the store answered to the first request after this line stepped back.
    pub(crate) fn note_turn(&self, others: Others) {
        self.in_queue(|queue| {
            if queue.not_before.take().is_some() {
                queue.others = others;
            }
        });
    }

    pub(crate) fn last_holder(&self) -> Option<HolderInfo> {
        self.in_queue(|queue| queue.seen.clone()).flatten()
    }

    fn is_first(&self) -> bool {
        self.in_queue(|queue| queue.waiters.first_key_value().is_some_and(|(n, _)| *n == self.number)).unwrap_or(false)
    }

    fn in_queue<T>(&self, look: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.lines.table().queue(&self.name).map(look)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiter.offered.notify_one();
        let mut table = self.lines.table();
        table.waiters -= 1;
        let Some(queue) = table.queue(&self.name) else { return };
        queue.waiters.remove(&self.number);
        if let Some(first) = queue.first() {
            return first.wake.notify_one();
        }
        if let Some(line) = table.lines.get_mut(&self.name) {
            line.queue = None;
        }
        table.tidy_up(&self.name);
    }
}

impl Waiter {
    fn acquisition(&self) -> MutexGuard<'_, Weak<Acquisition>> {
        self.acquisition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
