//! Whether an error tells what it must not.

use std::{error::Error, fmt::Write};

/// A password in two parts, between which stands what may upset a parser.
pub(crate) const PARTS: [&str; 2] = ["hunterZQ", "sesameZQ"];
/// What stands there.
pub(crate) const BETWEEN: [&str; 12] = ["", "/", "?", "@", ":", "%", "#", "%zz", "\\", " ", "\u{e9}", "://"];

/// All that somebody can print of an error.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?} {error:#?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, " {error}").expect("a `String` takes all");
        next = error.source();
    }
    text
}

pub(crate) fn assert_kept(told: &str) {
    for part in PARTS {
        assert!(!told.contains(part), "a secret is told: {told}");
    }
}
