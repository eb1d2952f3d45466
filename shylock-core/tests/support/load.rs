//! How many calls were made, how many were under way at a time, and how much one of them was about.

use std::collections::HashMap;

use super::{Faulty, Op};

#[derive(Debug, Default)]
pub(super) struct Load {
    calls: HashMap<Op, u32>,
    under_way: HashMap<Op, u32>,
    most_under_way: HashMap<Op, u32>,
    most_at_once: u32,
    largest_batch: HashMap<Op, usize>,
}

impl Load {
    pub(super) fn count(&mut self, op: Op) {
        *self.calls.entry(op).or_default() += 1;
    }

    fn begin(&mut self, op: Op) {
        let now = self.under_way.entry(op).or_default();
        *now += 1;
        let now = *now;
        let most = self.most_under_way.entry(op).or_default();
        *most = now.max(*most);
        let at_once = self.under_way.iter().filter(|(op, _)| **op != Op::Renew).map(|(_, calls)| calls).sum();
        self.most_at_once = self.most_at_once.max(at_once);
    }

    fn end(&mut self, op: Op) {
        *self.under_way.entry(op).or_default() -= 1;
    }
}

impl Faulty {
    pub(crate) fn calls(&self, op: Op) -> u32 {
        self.state().load.calls.get(&op).copied().unwrap_or_default()
    }

    pub(crate) fn under_way(&self, op: Op) -> u32 {
        self.state().load.under_way.get(&op).copied().unwrap_or_default()
    }

    /// The most calls at a time.
    pub(crate) fn most_under_way(&self, op: Op) -> u32 {
        self.state().load.most_under_way.get(&op).copied().unwrap_or_default()
    }

    /// The most calls of any kind at a time but renewals, which have capacity of their own.
    pub(crate) fn most_at_once(&self) -> u32 {
        self.state().load.most_at_once
    }

    pub(crate) fn largest_batch(&self, op: Op) -> usize {
        self.state().load.largest_batch.get(&op).copied().unwrap_or_default()
    }

    pub(super) fn note_batch(&self, op: Op, leases: usize) {
        let mut state = self.state();
        let largest = state.load.largest_batch.entry(op).or_default();
        *largest = leases.max(*largest);
    }
}

/// One call, for as long as it is under way.
pub(super) struct UnderWay<'a>(&'a Faulty, Op);

impl<'a> UnderWay<'a> {
    pub(super) fn new(store: &'a Faulty, op: Op) -> Self {
        store.state().load.begin(op);
        Self(store, op)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().load.end(self.1);
    }
}
