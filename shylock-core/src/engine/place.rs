//! [`Place`]: a place in the line of a name, and what its owner does there.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Engine,
    acquisition::Acquisition,
    lease::Lease,
    queue::{LastLook, Lines, Start, Waiter},
    turns::Others,
};
use crate::{HolderInfo, LockName, observe::Acquire, process::Process};

/// Whoever waits and its task share it: one of them leaves the line, by [`Queued`] or by [`Taken`], and so passes the
/// turn on.
#[derive(Debug)]
pub(crate) struct Place {
    lines: Arc<Lines>,
    pub(super) seen: Acquire,
    number: u64,
    /// Whether somebody here had the lock, or waited for it, before.
    is_late: bool,
    waiter: Arc<Waiter>,
    process: Process,
}

impl Place {
    pub(crate) fn in_line(lines: &Arc<Lines>, seen: Acquire) -> Arc<Self> {
        let (number, is_late, waiter) = lines.join(&seen.lock);
        Arc::new(Self { lines: Arc::clone(lines), seen, number, is_late, waiter, process: Process::this() })
    }

    /// Reports contention where this process itself is in the way.
    pub(crate) fn report_contention(&self, engine: &Engine) {
        if self.is_late {
            self.seen.meets(|| engine.last_holder(self.name()).map(|holder| holder.who().to_string()));
        }
    }

    /// Makes a task when it is the turn of this place, which may be now.
    pub(crate) fn when_first(&self, start: Start) {
        *self.waiter.start() = Some(start);
        if self.is_first() {
            self.lines.advance(self.name());
        }
    }

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
        self.lines.holder_here(self.name())
    }

    /// When this line may ask for the lock again, after it stepped back.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.lines.in_queue(self.name(), |queue| queue.not_before).flatten()
    }

    /// Notes who holds the lock.
    pub(crate) fn note_holder(&self, holder: HolderInfo) {
        self.lines.in_queue(self.name(), |queue| {
            (queue.last_holder, queue.last_look) = (Some(holder), Some(LastLook::Answered));
        });
    }

    /// Notes that the store did not answer as it should.
    pub(crate) fn note_failure(&self) {
        self.lines.in_queue(self.name(), |queue| queue.last_look = Some(LastLook::Failed));
    }

    /// What the last request of this line brought.
    pub(crate) fn last_look(&self) -> Option<LastLook> {
        self.lines.in_queue(self.name(), |queue| queue.last_look).flatten()
    }

    /// Notes what the store answered to the first request after this line stepped back.
    pub(crate) fn note_turn(&self, others: Others) {
        self.lines.in_queue(self.name(), |queue| {
            if queue.not_before.take().is_some() {
                queue.others = others;
            }
        });
    }

    fn name(&self) -> &LockName {
        &self.seen.lock
    }

    fn is_first(&self) -> bool {
        self.lines.in_queue(self.name(), |queue| queue.is_first(self.number)).unwrap_or(false)
    }

    fn leave(&self) {
        // The mutex of a parent process may be locked for ever in its forked child.
        if !self.process.is_another() {
            self.waiter.offered.notify_one();
            self.lines.leave(self.name(), self.number);
        }
    }
}

/// The hold of a task on its place. The line goes on when it is dropped.
pub(crate) struct Taken(pub(crate) Arc<Place>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The hold of a caller on a place that may have no task yet. With a task, leaving is the task's.
pub(crate) struct Queued(pub(crate) Arc<Place>);

impl Drop for Queued {
    fn drop(&mut self) {
        if !self.0.process.is_another() {
            let never_started = self.0.waiter.start().take();
            if never_started.is_some() {
                self.0.leave();
            }
        }
    }
}
