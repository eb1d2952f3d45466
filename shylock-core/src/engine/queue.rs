//! The local waiters of each name, first come, first served. Only the first of a line talks to the store.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
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
pub(super) struct Queue {
    waiters: BTreeMap<u64, Arc<Waiter>>,
    next: u64,
    /// Somebody is telling the first of its turn.
    advancing: bool,
    /// The queue stepped back until then.
    pub(super) not_before: Option<Instant>,
    pub(super) others: Others,
    /// Who held the lock when the first in the queue last got an answer.
    pub(super) last_holder: Option<HolderInfo>,
    pub(super) last_look: Option<LastLook>,
}

/// What the last request of a line brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastLook {
    Answered,
    Failed,
}

#[derive(Default)]
pub(super) struct Waiter {
    pub(super) wake: Notify,
    /// The acquisition of the first of a line, so that a holder can hand the lock over to it.
    acquisition: Mutex<Weak<Acquisition>>,
    pub(super) offered: Notify,
    /// Makes its task, when its turn comes.
    start: Mutex<Option<Start>>,
}

/// Makes the task of a waiter. On a runtime that has ended the task is dropped at once, and leaves its line.
pub(super) type Start = Box<dyn FnOnce() + Send>;

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
    /// A place at the end of the line, by its number; and whether somebody holds the lock here, or is before it.
    pub(super) fn join(&self, name: &LockName) -> (u64, bool, Arc<Waiter>) {
        let waiter = Arc::new(Waiter::default());
        let mut table = self.table();
        table.waiters += 1;
        let line = table.lines.entry(name.clone()).or_default();
        let queue = line.queue.get_or_insert_default();
        let is_late = line.holder.strong_count() > 0 || !queue.waiters.is_empty();
        let number = queue.next;
        queue.next += 1;
        queue.waiters.insert(number, Arc::clone(&waiter));
        (number, is_late, waiter)
    }

    /// Leaves the line; may be called again.
    pub(super) fn leave(&self, name: &LockName, number: u64) {
        let mut table = self.table();
        let Some(queue) = table.queue(name) else { return };
        let was_first = queue.is_first(number);
        // It is dropped when the mutex is free: its waker belongs to a user.
        let Some(_gone) = queue.waiters.remove(&number) else { return };
        let is_empty = queue.waiters.is_empty();
        table.waiters -= 1;
        if is_empty {
            if let Some(line) = table.lines.get_mut(name) {
                line.queue = None;
            }
            table.tidy_up(name);
        }
        drop(table);
        if was_first {
            self.advance(name);
        }
    }

    /// Tells the first in line that it is its turn.
    pub(super) fn advance(&self, name: &LockName) {
        let begin = |queue: &mut Queue| !std::mem::replace(&mut queue.advancing, true);
        if !self.table().queue(name).is_some_and(begin) {
            return;
        }
        // Each that cannot start leaves, and the next one is told here: a line is no recursion.
        let mut started = None;
        loop {
            let mut table = self.table();
            let Some(queue) = table.queue(name) else { return };
            let Some(first) = queue.first().cloned() else { return };
            let start = first.start().take();
            queue.advancing = start.is_some();
            drop(table);
            match start {
                Some(start) => start(),
                None if started.is_some_and(|started| Arc::ptr_eq(&started, &first)) => return,
                None => return first.wake.notify_one(),
            }
            started = Some(first);
        }
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
        let first = self.table().queue(name).and_then(|queue| queue.first().cloned());
        if let Some(first) = first {
            first.wake.notify_one();
        }
    }

    /// Somebody else says that this process does not hold the lock.
    pub(crate) fn distrust(&self, name: &LockName) {
        let mut table = self.table();
        if let Some(line) = table.lines.get_mut(name) {
            line.holder = Weak::new();
            table.tidy_up(name);
        }
    }

    /// The names that somebody waits for, in their order.
    pub(super) fn waited_for(&self) -> Vec<LockName> {
        let table = self.table();
        let waited_for = table.lines.iter().filter(|(_, line)| line.queue.is_some());
        let mut names: Vec<_> = waited_for.map(|(name, _)| name.clone()).collect();
        drop(table);
        // A map has its order by chance; who is told first is not left to it.
        names.sort_unstable();
        names
    }

    /// The lease by which this process holds the lock.
    pub(super) fn holder_here(&self, name: &LockName) -> Option<Arc<Lease>> {
        self.table().lines.get(name).and_then(|line| line.holder.upgrade())
    }

    pub(super) fn in_queue<T>(&self, name: &LockName, look: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.table().queue(name).map(look)
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
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.waiters.first_key_value().is_some_and(|(first, _)| *first == number)
    }

    fn first(&self) -> Option<&Arc<Waiter>> {
        self.waiters.first_key_value().map(|(_, first)| first)
    }
}

impl Waiter {
    pub(super) fn acquisition(&self) -> MutexGuard<'_, Weak<Acquisition>> {
        self.acquisition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn start(&self) -> MutexGuard<'_, Option<Start>> {
        self.start.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
