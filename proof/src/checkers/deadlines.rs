//! CK-D: no guard outlives its deadline, and each loss is told in time.
//!
//! A renewal moves a deadline without a word, so a deadline is certain only where nothing renews. A guard that says that
//! it does not hold any more is certain always.

use std::collections::BTreeMap;

use super::{
    run::{Instant, Run},
    violation::{Breach, Violation},
};
use crate::history::What;

type Guard<'a> = (&'a str, u64, u32);

#[derive(Debug, Default)]
struct Life {
    /// The latest deadline that it told.
    deadline: Option<u64>,
    /// When it said first that it does not hold.
    denied: Option<Instant>,
    /// When it told its loss.
    told: Option<Instant>,
    releasing: Option<u64>,
}

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut lives: BTreeMap<Guard<'_>, Life> = BTreeMap::new();
    for &(at, event) in &run.events {
        let token = match event.what {
            What::Asked { token, .. } | What::Lost { token, .. } | What::Releasing { token } => token,
            _ => continue,
        };
        let life = lives.entry((event.lock.as_str(), token, event.process)).or_default();
        match event.what {
            What::Asked { held: true, left, .. } => {
                let says = claims(run, life, at, left);
                let since = life.over().map(|over| over.0).into_iter().chain(life.deadline);
                let times: Vec<u64> = since.chain([at.0]).collect();
                let new = |breach| Violation::new(breach, &event.lock, event.process, &[token], &times);
                found.extend(says.into_iter().map(new));
                life.deadline = life.deadline.max(Some(at.0.saturating_add(left)));
            }
            What::Asked { .. } => life.denied = life.denied.or(Some(at)),
            What::Lost { .. } => life.told = life.told.or(Some(at)),
            _ => life.releasing = life.releasing.or(Some(at.0)),
        }
    }
    found.extend(lives.into_iter().filter_map(|(guard, life)| loss(run, guard, &life)));
    found
}

impl Life {
    fn over(&self) -> Option<Instant> {
        self.denied.into_iter().chain(self.told).min()
    }
}

/// What is wrong with a guard's word that it holds.
fn claims(run: &Run<'_>, life: &Life, at: Instant, left: u64) -> Vec<Breach> {
    let past = run.settings.fixed_deadlines && life.deadline.is_some_and(|deadline| at.0 >= deadline);
    [
        (left == 0, Breach::NothingLeft),
        (left > run.settings.ttl, Breach::LeftTooLong),
        (life.over().is_some_and(|over| over < at), Breach::HeldAgain),
        (past, Breach::PastDeadline),
    ]
    .into_iter()
    .filter_map(|(wrong, breach)| wrong.then_some(breach))
    .collect()
}

/// Whether the loss should have been told by some time, and was not.
fn loss(run: &Run<'_>, (lock, token, process): Guard<'_>, life: &Life) -> Option<Violation> {
    let known = life.denied.map(|denied| denied.0);
    let fixed = life.deadline.filter(|_| run.settings.fixed_deadlines);
    let since = known.into_iter().chain(fixed).min()?;
    let latest = since.saturating_add(run.settings.loss_delay);
    let told = life.told.map(|told| told.0);
    let until = told.unwrap_or(run.last);
    let gone = life.releasing.into_iter().chain(run.killed(process)).any(|gone| gone <= latest);
    if until <= latest || gone || run.paused(process, since, latest) {
        return None;
    }
    let breach = if told.is_some() { Breach::LossLate } else { Breach::LossUntold };
    let expected = told.is_some() || run.settings.losses_are_told;
    expected.then(|| Violation::new(breach, lock, process, &[token], &[since, latest, until]))
}
