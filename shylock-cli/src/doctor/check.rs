//! [`Check`]: one thing that was looked at.

use std::fmt;

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Good,
    /// Locks work, but with less than there could be.
    Weak,
    Wrong,
    /// It could not be found out.
    #[cfg_attr(
        not(any(feature = "arangodb", feature = "mongodb", feature = "sqlite")),
        expect(dead_code, reason = "only checks of a store say so")
    )]
    Unknown,
}

#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    detail: String,
    hint: Option<&'static str>,
}

impl Check {
    pub(super) fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into(), hint: None }
    }

    pub(super) fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Good, detail)
    }

    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "check": self.name, "state": self.state.word(), "detail": self.detail, "hint": self.hint })
    }
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Weak => "weak",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7}  {}: {}", self.state.word(), self.name, self.detail)?;
        match self.hint {
            Some(hint) => write!(f, "\n         hint: {hint}"),
            None => Ok(()),
        }
    }
}
