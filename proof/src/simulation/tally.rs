//! [`Tally`]: what a campaign has seen, in numbers.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{plan::Kind, run::Outcome};
use crate::history::What;

/// What a campaign has seen, in numbers.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tally {
    pub schedules: u64,
    pub events: u64,
    pub wishes: u64,
    pub grants: u64,
    pub refusals: u64,
    pub unknowns: u64,
    pub abandoned: u64,
    pub losses: u64,
    pub accepted: u64,
    pub fenced: u64,
    pub faults: BTreeMap<Kind, u64>,
    pub virtual_time: Duration,
}

impl Tally {
    /// Counts one schedule.
    pub fn count(&mut self, outcome: &Outcome) {
        self.schedules += 1;
        self.virtual_time += outcome.took;
        self.events += outcome.history.len() as u64;
        outcome.faults.iter().for_each(|(kind, times)| *self.faults.entry(*kind).or_default() += times);
        for event in &outcome.history {
            match event.what {
                What::Wanted { .. } => self.wishes += 1,
                What::Granted { .. } => self.grants += 1,
                What::Refused { .. } => self.refusals += 1,
                What::Failed { .. } => self.unknowns += 1,
                What::Abandoned { .. } => self.abandoned += 1,
                What::Lost { .. } => self.losses += 1,
                What::Accepted { .. } => self.accepted += 1,
                What::Fenced { .. } => self.fenced += 1,
                _ => {}
            }
        }
    }

    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.wishes += other.wishes;
        self.grants += other.grants;
        self.refusals += other.refusals;
        self.unknowns += other.unknowns;
        self.abandoned += other.abandoned;
        self.losses += other.losses;
        self.accepted += other.accepted;
        self.fenced += other.fenced;
        self.virtual_time += other.virtual_time;
        other.faults.iter().for_each(|(kind, times)| *self.faults.entry(*kind).or_default() += times);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.virtual_time.as_secs() / 86_400;
        let hours = self.virtual_time.as_secs() % 86_400 / 3600;
        writeln!(f, "{} schedules, {} events, {days} d {hours} h of virtual time", self.schedules, self.events)?;
        writeln!(
            f,
            "{} wishes: {} granted, {} refused, {} unknown, {} abandoned",
            self.wishes, self.grants, self.refusals, self.unknowns, self.abandoned
        )?;
        writeln!(f, "{} leases lost, {} writes accepted, {} fenced off", self.losses, self.accepted, self.fenced)?;
        write!(f, "faults:")?;
        self.faults.iter().try_for_each(|(kind, times)| write!(f, " {} {times},", kind.name()))?;
        write!(f, " {} in all", self.faults.values().sum::<u64>())
    }
}
