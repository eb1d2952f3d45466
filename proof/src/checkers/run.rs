//! A history, sorted out once for all checkers.

use std::collections::{BTreeMap, HashMap};

use super::{Settings, spans::Spans};
use crate::history::{Before, Event, What};

/// A moment: a time, and the place in the list where that tells an order.
pub(crate) type Instant = (u64, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Granted(u64),
    Refused,
    Failed,
    Abandoned,
}

/// A call to acquire.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) process: u32,
    pub(crate) lock: &'a str,
    pub(crate) begins: Vec<Instant>,
    pub(crate) limit: Option<u64>,
    pub(crate) ends: Vec<(Instant, End)>,
}

impl Call<'_> {
    pub(crate) fn begin(&self) -> Option<Instant> {
        self.begins.first().copied()
    }

    pub(crate) fn end(&self) -> Option<(Instant, End)> {
        self.ends.first().copied()
    }

    /// The limit of a call that waits; one that never waits has none to keep.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit.filter(|&limit| limit > 0)
    }

    pub(crate) fn granted(&self) -> bool {
        self.token().is_some()
    }

    pub(crate) fn token(&self) -> Option<u64> {
        self.ends.iter().find_map(|(_, end)| if let End::Granted(token) = end { Some(*token) } else { None })
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    pub(crate) token: u64,
    pub(crate) process: u32,
    /// Its call's beginning; the grant's own moment if that is not known.
    pub(crate) wanted: Instant,
    pub(crate) at: Instant,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) at: u64,
    pub(crate) token: u64,
    pub(crate) granted: u64,
    pub(crate) ends: u64,
    pub(crate) before: Before,
}

/// What happened around one lock.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    /// Its calls, in the order in which they began.
    pub(crate) calls: Vec<usize>,
    /// Its grants, in the order in which they were made known.
    pub(crate) grants: Vec<Grant>,
    /// Its grants in the store's order.
    pub(crate) stored: Vec<Stored>,
    /// When each token was made known first.
    pub(crate) told: HashMap<u64, u64>,
    /// When each token was given back first.
    pub(crate) releasing: HashMap<u64, u64>,
}

#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) settings: &'a Settings,
    /// All events in the order of time, each with its moment.
    pub(crate) events: Vec<(Instant, &'a Event)>,
    pub(crate) calls: Vec<Call<'a>>,
    pub(crate) locks: BTreeMap<&'a str, Lock>,
    /// When the last event was.
    pub(crate) last: u64,
    /// From when on nothing was disturbed.
    pub(crate) healed: Option<u64>,
    kills: HashMap<u32, u64>,
    pauses: HashMap<u32, Spans>,
    faults: Spans,
}

impl<'a> Run<'a> {
    pub(crate) fn new(events: &'a [Event], settings: &'a Settings) -> Self {
        let mut sorted: Vec<(Instant, &Event)> = events
            .iter()
            .enumerate()
            .map(|(place, event)| ((event.at, if settings.listed_in_order { place } else { 0 }), event))
            .collect();
        sorted.sort_by_key(|(instant, _)| *instant);
        let last = sorted.last().map_or(0, |(instant, _)| instant.0);
        let healed = sorted.iter().rev().find(|(_, event)| event.what == What::AllHealed).map(|(instant, _)| instant.0);
        let mut run = Self {
            settings,
            calls: Vec::new(),
            locks: BTreeMap::new(),
            last,
            healed,
            kills: HashMap::new(),
            pauses: pauses(&sorted, last),
            faults: faults(&sorted, last, settings.recovery),
            events: sorted,
        };
        run.sort_out();
        run
    }

    /// When this process was killed, if it was.
    pub(crate) fn killed(&self, process: u32) -> Option<u64> {
        self.kills.get(&process).copied()
    }

    pub(crate) fn paused(&self, process: u32, from: u64, to: u64) -> bool {
        self.pauses.get(&process).is_some_and(|spans| spans.meet(from, to))
    }

    /// Whether a fault was going on, or the servers were still recovering from one.
    pub(crate) fn disturbed(&self, from: u64, to: u64) -> bool {
        self.faults.meet(from, to)
    }

    fn sort_out(&mut self) {
        let mut known: HashMap<(u32, &'a str, u64), usize> = HashMap::new();
        let events = std::mem::take(&mut self.events);
        for &(at, event) in &events {
            let name = event.lock.as_str();
            let (number, end) = match event.what {
                What::Wanted { call, .. } => (Some(call), None),
                What::Granted { call, token } => (Some(call), Some(End::Granted(token))),
                What::Refused { call } => (Some(call), Some(End::Refused)),
                What::Failed { call, .. } => (Some(call), Some(End::Failed)),
                What::Abandoned { call } => (Some(call), Some(End::Abandoned)),
                _ => (None, None),
            };
            if let Some(number) = number {
                let calls = &mut self.calls;
                let index = *known.entry((event.process, name, number)).or_insert_with(|| {
                    let process = event.process;
                    calls.push(Call { process, lock: name, begins: Vec::new(), limit: None, ends: Vec::new() });
                    calls.len() - 1
                });
                self.call_event(at, event, index, end);
            }
            match event.what {
                What::Stored { token, granted, ends, before } => {
                    let stored = Stored { at: at.0, token, granted, ends, before };
                    self.locks.entry(name).or_default().stored.push(stored);
                }
                What::Releasing { token } => {
                    self.locks.entry(name).or_default().releasing.entry(token).or_insert(at.0);
                }
                What::Killed => {
                    self.kills.entry(event.process).or_insert(at.0);
                }
                _ => {}
            }
        }
        self.events = events;
    }

    fn call_event(&mut self, at: Instant, event: &'a Event, index: usize, end: Option<End>) {
        let call = &mut self.calls[index];
        let lock = self.locks.entry(event.lock.as_str()).or_default();
        if let What::Wanted { limit, .. } = event.what {
            call.begins.push(at);
            call.limit = limit;
            lock.calls.push(index);
        }
        call.ends.extend(end.map(|end| (at, end)));
        if let Some(End::Granted(token)) = end {
            let wanted = call.begin().unwrap_or(at);
            lock.grants.push(Grant { token, process: event.process, wanted, at });
            lock.told.entry(token).or_insert(at.0);
        }
    }
}

fn pauses(events: &[(Instant, &Event)], last: u64) -> HashMap<u32, Spans> {
    let mut spans: HashMap<u32, Vec<(u64, u64)>> = HashMap::new();
    for (_, event) in events {
        let spans = match event.what {
            What::Paused | What::Resumed | What::Killed => spans.entry(event.process).or_default(),
            _ => continue,
        };
        match event.what {
            What::Paused => spans.push((event.at, last)),
            _ => {
                if let Some(span) = spans.last_mut() {
                    span.1 = span.1.min(event.at);
                }
            }
        }
    }
    spans.into_iter().map(|(process, spans)| (process, Spans::new(spans))).collect()
}

/// From each fault's beginning to the recovery after its end. Which of one kind ends first makes no difference: together
/// they span the same.
fn faults(events: &[(Instant, &Event)], last: u64, recovery: u64) -> Spans {
    let mut open: HashMap<&str, Vec<u64>> = HashMap::new();
    let mut spans = Vec::new();
    for (_, event) in events {
        match &event.what {
            What::Fault { kind, .. } => open.entry(kind).or_default().push(event.at),
            What::Healed { kind } => {
                if let Some(begin) = open.get_mut(kind.as_str()).and_then(Vec::pop) {
                    spans.push((begin, event.at.saturating_add(recovery)));
                }
            }
            What::AllHealed => {
                let begins = std::mem::take(&mut open).into_values().flatten();
                spans.extend(begins.map(|begin| (begin, event.at.saturating_add(recovery))));
            }
            _ => {}
        }
    }
    spans.extend(open.into_values().flatten().map(|begin| (begin, last)));
    Spans::new(spans)
}
