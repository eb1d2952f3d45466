//! The local waiters of each name, first come, first served. Only the first of a line talks to the store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::acquisition::Acquisition;
use crate::{HolderInfo, LockName};

/// After so many hand-offs in a row other processes get their turn, after so much time whatever their number.
const MOST_IN_A_ROW: u32 = 16;
const LONGEST_ROW: Duration = Duration::from_millis(500);
/// Sixteen can be over in less than the turn of the others takes, which nobody may want: they do not count before this.
const SHORTEST_ROW: Duration = Duration::from_millis(100);
/// Their turn: as long as a process that polls a moving lock waits between two attempts.
const STEP_BACK: Duration = Duration::from_millis(25);

/// All lines of one manager. A name without waiters has none.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<LockName, Line>>);

#[derive(Debug, Default)]
struct Line {
    waiters: BTreeMap<u64, Arc<Waiter>>,
    next: u64,
    /// The line stepped back until then.
    not_before: Option<Instant>,
    /// Who held the lock when the first of the line last looked.
    seen: Option<HolderInfo>,
}

/// Hand-offs without a real release in between. It goes along with the lease, since a line can be empty in between.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    length: u32,
    since: Option<Instant>,
}

impl Row {
    /// One hand-off more; `None` when it is the turn of others.
    fn longer(self) -> Option<Self> {
        let since = self.since.unwrap_or_else(Instant::now);
        let most = if self.length < MOST_IN_A_ROW { LONGEST_ROW } else { SHORTEST_ROW };
        (since.elapsed() < most).then_some(Self { length: self.length + 1, since: Some(since) })
    }
}

#[derive(Debug, Default)]
struct Waiter {
    wake: Notify,
    /// The acquisition of the first of a line, so that a holder can hand the lock over to it.
    acquisition: Mutex<Weak<Acquisition>>,
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
    /// There are none, or none is ready, or other processes had no chance for long.
    Release,
    /// Hand over to this one, whose lease goes on with the row.
    HandOff(Arc<Acquisition>, Row),
}

impl Lines {
    pub(crate) fn join(self: &Arc<Self>, name: &LockName) -> Place {
        let waiter = Arc::new(Waiter::default());
        let mut lines = self.lines();
        let line = lines.entry(name.clone()).or_default();
        let number = line.next;
        line.next += 1;
        line.waiters.insert(number, Arc::clone(&waiter));
        Place { lines: Arc::clone(self), name: name.clone(), number, waiter }
    }

    /// Whom the holder of `name`, whose lease came by so many hand-offs, shall hand it to.
    pub(crate) fn next(&self, name: &LockName, row: Row) -> Next {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(name) else { return Next::Release };
        let first = line.waiters.first_key_value().and_then(|(_, first)| first.acquisition().upgrade());
        let Some(first) = first else { return Next::Release };
        let Some(row) = row.longer() else {
            line.not_before = Some(Instant::now() + STEP_BACK);
            return Next::Release;
        };
        Next::HandOff(first, row)
    }

    /// Tells the first waiter that the lock may be free.
    pub(crate) fn wake(&self, name: &LockName) {
        if let Some((_, first)) = self.lines().get(name).and_then(|line| line.waiters.first_key_value()) {
            first.wake.notify_one();
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<LockName, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Resolves when this is the first of its line.
    pub(crate) async fn turn(&self) {
        while !self.is_first() {
            self.waiter.wake.notified().await;
        }
    }

    /// Resolves when somebody in this process has released the lock.
    pub(crate) async fn woken(&self) {
        self.waiter.wake.notified().await;
    }

    /// Makes this acquisition the one that a holder may hand the lock to.
    pub(crate) fn offer(&self, acquisition: &Arc<Acquisition>) {
        *self.waiter.acquisition() = Arc::downgrade(acquisition);
    }

    /// When this line may ask for the lock again, after it stepped back.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.lines.lines().get(&self.name).and_then(|line| line.not_before)
    }

    pub(crate) fn note_holder(&self, holder: HolderInfo) {
        if let Some(line) = self.lines.lines().get_mut(&self.name) {
            line.seen = Some(holder);
        }
    }

    pub(crate) fn last_holder(&self) -> Option<HolderInfo> {
        self.lines.lines().get(&self.name).and_then(|line| line.seen.clone())
    }

    fn is_first(&self) -> bool {
        let lines = self.lines.lines();
        lines.get(&self.name).and_then(|line| line.waiters.first_key_value()).is_some_and(|(n, _)| *n == self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lines();
        let Some(line) = lines.get_mut(&self.name) else { return };
        line.waiters.remove(&self.number);
        match line.waiters.first_key_value() {
            Some((_, first)) => first.wake.notify_one(),
            None => drop(lines.remove(&self.name)),
        }
    }
}

impl Waiter {
    fn acquisition(&self) -> MutexGuard<'_, Weak<Acquisition>> {
        self.acquisition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
