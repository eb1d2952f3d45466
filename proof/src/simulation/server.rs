//! [`Server`]: a replica set that keeps the records of locks, as a state machine. No I/O, no waiting.
//!
//! A write is *durable* once a majority has it. A fail-over may cut off what is not, and nobody was told of that by then.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use shylock_core::LockName;

use super::{audit::audit, bug::Bug, plan::Plan, record::Record};
use crate::history::{Before, What};

/// The server's clock starts here, in milliseconds.
const EPOCH: i64 = 1_700_000_000_000;

/// The nodes and what they have stored.
#[derive(Debug)]
pub(super) struct Server {
    /// How far the clock of each node is ahead, in milliseconds.
    ahead: [i64; 3],
    primary: usize,
    rate: u64,
    pub(super) bug: Option<Bug>,
    /// How long after its end a lease is taken over, in milliseconds.
    grace: u64,
    records: BTreeMap<LockName, Record>,
    /// The writes that are not durable yet.
    log: VecDeque<Entry>,
    written: u64,
    cut: BTreeSet<u64>,
    /// The time of the request that is being carried out.
    at: Duration,
    /// What was granted by it.
    pub(super) stored: Vec<(u64, LockName, What)>,
    /// What a store must never do, as its own log shows it.
    wrongs: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    durable: Duration,
    name: LockName,
    before: Option<Record>,
}

impl Server {
    /// A server as the plan has it.
    pub(super) fn new(plan: &Plan, ahead: [i64; 3]) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or_default();
        let grace = match plan.bug {
            Some(Bug::NoGrace) => 0,
            Some(Bug::HalfGrace) => ms(plan.allowance),
            _ => ms(plan.allowance) * 2,
        };
        Self {
            ahead,
            primary: 0,
            rate: plan.rate,
            bug: plan.bug,
            grace,
            records: BTreeMap::new(),
            log: VecDeque::new(),
            written: 0,
            cut: BTreeSet::new(),
            at: Duration::ZERO,
            stored: Vec::new(),
            wrongs: Vec::new(),
        }
    }

    /// Begins to carry out a request that arrives at this time.
    pub(super) fn arrive(&mut self, at: Duration) {
        self.at = at;
        while self.log.front().is_some_and(|entry| entry.durable <= at) {
            self.log.pop_front();
        }
        if self.has(Bug::TtlDeletes) {
            let now = self.now();
            self.records.retain(|_, record| record.ends > now);
        }
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The clock of the primary, in milliseconds.
    pub(super) fn now(&self) -> u64 {
        let passed = u64::try_from(self.at.as_micros()).unwrap_or_default() * self.rate / 1_000_000;
        (EPOCH + self.ahead[self.primary]).saturating_add_unsigned(passed).unsigned_abs()
    }

    pub(super) fn grace(&self) -> u64 {
        self.grace
    }

    pub(super) fn record(&self, name: &LockName) -> Option<&Record> {
        self.records.get(name)
    }

    pub(super) fn records(&self) -> &BTreeMap<LockName, Record> {
        &self.records
    }

    /// Writes a record, or removes it. It is durable when all before it are, and `lag` has passed.
    pub(super) fn put(&mut self, name: &LockName, record: Option<Record>, lag: Duration, handed: bool) {
        let before = self.records.get(name).cloned();
        if self.bug.is_none() {
            self.wrongs.extend(audit(before.as_ref(), record.as_ref(), self.now(), self.grace, handed));
        }
        self.written += 1;
        if let Some(granted) = record.as_ref().filter(|record| before.as_ref().map(|b| b.token) != Some(record.token)) {
            let told = match &before {
                _ if handed => Before::Handed,
                None => Before::Nothing,
                Some(before) if before.freed => Before::Free,
                Some(before) => Before::Ended { at: before.ends },
            };
            let stored =
                What::Stored { token: granted.token, granted: granted.acquired, ends: granted.ends, before: told };
            self.stored.push((self.written, name.clone(), stored));
        }
        match record {
            Some(record) => self.records.insert(name.clone(), record),
            None => self.records.remove(name),
        };
        let last = self.log.back().map_or(Duration::ZERO, |entry| entry.durable);
        let durable = last.max(self.at + lag);
        self.log.push_back(Entry { number: self.written, durable, name: name.clone(), before });
    }

    /// What an answer that is given now relies on: the last write, and when it is durable.
    pub(super) fn relies_on(&self) -> (u64, Duration) {
        (self.written, self.log.back().map_or(self.at, |entry| entry.durable))
    }

    /// Whether this write did not survive.
    pub(super) fn is_cut(&self, write: u64) -> bool {
        self.cut.contains(&write)
    }

    /// Another node becomes primary. It has so many per mille of the writes that were not durable.
    pub(super) fn fail_over(&mut self, at: Duration, primary: usize, kept: u64) {
        self.arrive(at);
        self.primary = primary % self.ahead.len();
        let open = u64::try_from(self.log.len()).unwrap_or_default();
        let keep = usize::try_from(open * kept / 1000).unwrap_or_default();
        while self.log.len() > keep {
            let Some(entry) = self.log.pop_back() else { break };
            self.cut.insert(entry.number);
            match entry.before {
                Some(before) => self.records.insert(entry.name, before),
                None => self.records.remove(&entry.name),
            };
        }
        self.log.clear();
    }

    /// The clock of the primary is set.
    pub(super) fn set_clock(&mut self, ahead: i64) {
        self.ahead[self.primary] = ahead;
    }

    pub(super) fn wrongs(&self) -> &[String] {
        &self.wrongs
    }
}
