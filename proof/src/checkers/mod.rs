//! What must be true of a history, and what is not: pure functions from events to violations.
//!
//! A checker says nothing about what it cannot tell from the events, so an alarm is always a reason to look. What a run
//! may do that others may not (how long a lease is, how far clocks differ) is in [`Settings`].
//!
//! All of it takes O(n log n) for n events.

mod beliefs;
mod bounds;
mod deadlines;
mod fencing;
mod grants;
mod in_vain;
mod left_held;
mod liveness;
mod outcomes;
mod overtaking;
mod panics;
mod resources;
mod run;
mod settings;
mod spans;
mod store;
mod summary;
mod tokens;
mod violation;

use std::fmt;

use crate::history::Event;
use run::Run;

pub use in_vain::held_when_released;
pub use panics::secrets_in;
pub use settings::Settings;
pub use summary::Summary;
pub use violation::{Breach, Checker, Violation};

/// What all checkers found, and how much there was to check.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What must not be in a history, by checker.
    pub violations: Vec<Violation>,
    /// How much happened: a run in which nothing did proves nothing.
    pub summary: Summary,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.violations.iter().try_for_each(|violation| writeln!(f, "{violation}"))?;
        writeln!(f, "{} violations", self.violations.len())?;
        self.summary.fmt(f)
    }
}

/// What all checkers find in a history.
#[must_use]
pub fn check_all(events: &[Event], settings: &Settings) -> Report {
    let run = Run::new(events, settings);
    let violations = Checker::ALL.into_iter().flat_map(|checker| find(checker, &run)).collect();
    Report { violations, summary: summary::of(&run) }
}

/// What one checker finds in a history.
#[must_use]
pub fn check(checker: Checker, events: &[Event], settings: &Settings) -> Vec<Violation> {
    find(checker, &Run::new(events, settings))
}

fn find(checker: Checker, run: &Run<'_>) -> Vec<Violation> {
    match checker {
        Checker::Tokens => tokens::check(run),
        Checker::Fencing => fencing::check(run),
        Checker::Beliefs => beliefs::check(run),
        Checker::Store => store::check(run),
        Checker::Grants => [grants::check(run), left_held::check(run)].concat(),
        Checker::Liveness => [liveness::check(run), overtaking::check(run)].concat(),
        Checker::Deadlines => deadlines::check(run),
        Checker::Outcomes => outcomes::check(run),
        Checker::Resources => resources::check(run),
        Checker::Panics => panics::check(run),
        Checker::Bounds => bounds::check(run),
    }
}
