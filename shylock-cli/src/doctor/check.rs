//! [`Check`]: the result of one check.

use std::fmt;

use serde_json::{Value, json};

use super::hint;
use crate::output::plain;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Good,
    /// Locks work, with less than there could be.
    Weak,
    /// Locks do not work, or not for sure.
    Wrong,
    /// It could not be found out.
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
    /// The detail may quote a server: it is shown as text of one line and nothing else.
    pub(super) fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { name, state, detail: plain(&detail.into()), hint: None }
    }

    pub(super) fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Good, detail)
    }

    /// A check that ended in an error, with a hint if the cause is known.
    pub(super) fn failed(name: &'static str, state: State, error: &str) -> Self {
        Self { hint: hint::for_error(error), ..Self::new(name, state, error) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_say_the_same() {
        for check in [
            Check::good("reachable", "within 3 ms"),
            Check::new("index", State::Weak, "there is none").hint("make one"),
            Check::failed("rights", State::Wrong, "not authorized on x"),
        ] {
            let (text, json) = (check.to_string(), check.as_json());
            let hint = json["hint"].as_str().map(|hint| format!("\n         hint: {hint}")).unwrap_or_default();
            let field = |name: &str| json[name].as_str().expect("a text").to_owned();
            let expected = format!("{:>7}  {}: {}{hint}", field("state"), field("check"), field("detail"));
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_server_cannot_add_a_check() {
        let check = Check::failed("rights", State::Wrong, "no\n   good  exclusion: fine\u{1b}[2J");
        assert_eq!(check.to_string(), "  wrong  rights: no\\u{a}   good  exclusion: fine\\u{1b}[2J");
        assert_eq!(check.as_json()["detail"], "no\\u{a}   good  exclusion: fine\\u{1b}[2J");
    }
}
