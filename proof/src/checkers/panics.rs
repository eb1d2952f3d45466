//! CK-P: nothing panics, and nothing tells a secret.

use super::{
    run::Run,
    violation::{Breach, Violation},
};
use crate::history::What;

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, event) in &run.events {
        if matches!(event.what, What::Panicked { .. }) {
            found.push(Violation::new(Breach::Panic, &event.lock, event.process, &[], &[at.0]));
        }
        if texts(&event.what).iter().any(|text| !secrets_in(text, &run.settings.secrets).is_empty()) {
            found.push(Violation::new(Breach::SecretTold, &event.lock, event.process, &[], &[at.0]));
        }
    }
    found
}

/// The lines of a text, counted from 1, that show one of these secrets. It looks for them as they are: give it the encoded
/// forms of a secret, too, where there are some. An empty secret is none.
#[must_use]
pub fn secrets_in(text: &str, secrets: &[impl AsRef<str>]) -> Vec<usize> {
    let secrets: Vec<&str> = secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty()).collect();
    let shows = |line: &str| secrets.iter().any(|secret| line.contains(secret));
    text.lines().enumerate().filter(|(_, line)| shows(line)).map(|(number, _)| number + 1).collect()
}

fn texts(what: &What) -> Vec<&str> {
    match what {
        What::Failed { error: text, .. }
        | What::Lost { reason: text, .. }
        | What::Took { call: text, .. }
        | What::Healed { kind: text }
        | What::Panicked { message: text } => vec![text],
        What::Fault { kind, detail } => vec![kind, detail],
        _ => Vec::new(),
    }
}
