//! [`Schedule`]: which of a manager's leases to look at next, which to renew, and how many requests at a time.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{lease::Lease, renew::Step};
use crate::{LossReason, clock::Moment};

/// The most leases that one request renews.
pub(super) const BATCH: usize = 1000;
/// The most requests under way. More would wait in the client's pool, where their time would run out.
const AT_ONCE: usize = 4;
/// The most while there are leases that end soon: those before may hang.
const AT_ONCE_IF_URGENT: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Schedule {
    leases: HashMap<Id, Entry>,
    /// When to look at each lease next.
    due: BTreeSet<(Instant, Id)>,
    /// Those that wait to be renewed, by the time at which they are lost.
    ready: BTreeSet<(Instant, Id)>,
    under_way: usize,
    /// Those that were found to be lost, and nobody has been told yet.
    lost: Vec<Arc<Lease>>,
}

#[derive(Debug)]
struct Entry {
    lease: Arc<Lease>,
    /// `None`: it is lost, and there is nothing more to do for it.
    due: Option<Instant>,
    /// Its place among those that wait to be renewed.
    ready: Option<Instant>,
}

/// The number of a lease: those that are due at the same time go in the order in which they came.
type Id = u64;

fn id(lease: &Arc<Lease>) -> Id {
    lease.number
}

impl Schedule {
    pub(super) fn insert(&mut self, lease: &Arc<Lease>) {
        self.leases.insert(id(lease), Entry { lease: Arc::clone(lease), due: None, ready: None });
        let pause = if let Step::Wait(pause) = lease.step(false) { pause } else { Duration::ZERO };
        self.look_at(id(lease), Some(Instant::now() + pause));
    }

    /// When to look next; `None` when there is nothing to look after any more.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(when, _)| *when)
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, lease: &Arc<Lease>) -> bool {
        self.look_at(id(lease), None);
        self.make_ready(id(lease), None);
        self.leases.remove(&id(lease)).is_some()
    }

    /// Takes the next step of all leases that are due. Each batch is to be renewed by one request, of whose end
    /// [`answered`](Self::answered) tells.
    pub(super) fn look(&mut self) -> Vec<Vec<Arc<Lease>>> {
        let now = Instant::now();
        while let Some((_, id)) = self.due.first().copied().filter(|(when, _)| *when <= now) {
            self.step(id);
        }
        let mut batches = Vec::new();
        while self.may_send() {
            let mut batch = self.next_batch();
            if batch.len() < BATCH {
                self.join_in(now, &mut batch);
            }
            if !batch.is_empty() {
                self.under_way += 1;
                batches.push(batch);
            }
        }
        batches
    }

    /// Whether there is something to send, and room for it.
    fn may_send(&self) -> bool {
        let first = self.ready.first().and_then(|(_, id)| self.leases.get(id));
        first.is_some_and(|entry| {
            let most = if is_urgent(&entry.lease) { AT_ONCE_IF_URGENT } else { AT_ONCE };
            self.under_way < most
        })
    }

    /// The request for this batch has ended.
    pub(super) fn answered(&mut self, batch: &[Arc<Lease>]) {
        self.under_way -= 1;
        let now = Instant::now();
        for id in batch.iter().map(id) {
            // One that is lost is looked at no more.
            if self.leases.get(&id).is_some_and(|entry| entry.due.is_some()) {
                self.look_at(id, Some(now));
            }
        }
    }

    pub(super) fn look_at_all_now(&mut self) {
        let now = Instant::now();
        let ids: Vec<_> = self.due.iter().map(|(_, id)| *id).collect();
        ids.into_iter().for_each(|id| self.look_at(id, Some(now)));
    }

    /// Gives up on all. Those who hold them are to be [told](Lease::tell).
    pub(super) fn lose_all(&mut self, reason: LossReason) {
        for (_, id) in std::mem::take(&mut self.due) {
            if let Some(entry) = self.leases.get_mut(&id) {
                entry.due = None;
                entry.lease.lose_quietly(reason);
                self.lost.push(Arc::clone(&entry.lease));
            }
        }
    }

    /// The leases that were lost since this was asked last. Their holders are to be [told](Lease::tell).
    pub(super) fn lost(&mut self) -> Vec<Arc<Lease>> {
        std::mem::take(&mut self.lost)
    }

    /// How long it takes, without any renewal, until the first of them is lost.
    pub(super) fn smallest_margin(&self) -> Option<Duration> {
        let now = Moment::now();
        self.leases.values().filter(|entry| entry.due.is_some()).map(|entry| entry.lease.margin(now)).min()
    }

    /// The most urgent of those that wait, and more of its kind: whatever keeps its renewal waiting keeps no others.
    fn next_batch(&mut self) -> Vec<Arc<Lease>> {
        let mut batch = Vec::new();
        let waiting = self.ready.iter().map(|(_, id)| *id);
        let kind = waiting.clone().next().is_some_and(|first| self.is_apart(first));
        let alike: Vec<Id> = waiting.filter(|id| self.is_apart(*id) == kind).take(BATCH).collect();
        alike.into_iter().for_each(|id| self.send(id, &mut batch));
        batch
    }

    /// Whoever is due soon may as well go along.
    fn join_in(&mut self, now: Instant, batch: &mut Vec<Arc<Lease>>) {
        let Some(soon) = batch.iter().map(|lease| lease.terms.soon()).max() else { return };
        let kind = batch.iter().any(|lease| lease.is_apart());
        let due = self.due.range(..=(now + soon, Id::MAX)).map(|(_, id)| *id);
        let soon: Vec<Id> = due.filter(|id| self.is_apart(*id) == kind).take(BATCH - batch.len()).collect();
        soon.into_iter().for_each(|id| self.send(id, batch));
    }

    /// Puts a lease into a batch, if it is still worth it.
    fn send(&mut self, id: Id, batch: &mut Vec<Arc<Lease>>) {
        self.make_ready(id, None);
        let Some(lease) = self.lease(id) else { return };
        if lease.step(true) == Step::Renew {
            lease.sending();
            batch.push(lease);
        }
        // If it was sent, the step after it is to wait for the answer; if not, it was confirmed meanwhile, or is lost.
        self.look_at(id, Some(Instant::now()));
    }

    fn step(&mut self, id: Id) {
        let Some(lease) = self.lease(id) else { return };
        let in_future = |pause: Duration| Some(Instant::now() + pause.max(Duration::from_millis(1)));
        let again = match lease.step(false) {
            Step::Wait(pause) => in_future(pause),
            Step::Renew => {
                let left = lease.left();
                self.make_ready(id, Some(Instant::now() + left));
                // Until its turn comes, it can only become urgent, and end.
                in_future(if is_urgent(&lease) { left } else { left - urgent_below(&lease) })
            }
            Step::Lose(_) => {
                self.lost.push(lease);
                None
            }
        };
        self.look_at(id, again);
    }

    /// Whether its renewals may be kept waiting.
    fn is_apart(&self, id: Id) -> bool {
        self.leases.get(&id).is_some_and(|entry| entry.lease.is_apart())
    }

    fn lease(&self, id: Id) -> Option<Arc<Lease>> {
        self.leases.get(&id).map(|entry| Arc::clone(&entry.lease))
    }

    /// Puts a lease among those that wait to be renewed, or takes it out.
    fn make_ready(&mut self, id: Id, lost_at: Option<Instant>) {
        let Some(entry) = self.leases.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut entry.ready, lost_at) {
            self.ready.remove(&(before, id));
        }
        self.ready.extend(lost_at.map(|when| (when, id)));
    }

    /// Changes when to look at a lease.
    fn look_at(&mut self, id: Id, when: Option<Instant>) {
        let Some(entry) = self.leases.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut entry.due, when) {
            self.due.remove(&(before, id));
        }
        self.due.extend(when.map(|when| (when, id)));
    }
}

/// Whether a lease has little time left.
fn is_urgent(lease: &Lease) -> bool {
    lease.left() <= urgent_below(lease)
}

fn urgent_below(lease: &Lease) -> Duration {
    lease.terms.ttl / 3
}
