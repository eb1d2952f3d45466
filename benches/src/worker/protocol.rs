//! The lines between the bench and its children. `original.py` speaks them, too.
//!
//! - `open URL DATABASE`: connects, says `ready`.
//! - `hold NAME`: acquires, says `holding`; `release`: releases, and says who held it when: `turn TOKEN FROM TO`.
//! - `queue NAME COUNT`: has so many wait, says `in line`, and a `turn …` for each when it is over.
//! - `cycles NAME COUNT`: acquires and releases, says `time NANOSECONDS` for each.
//! - `keep COUNT SECONDS`: holds many locks, says `kept …`.
//! - `crowd COUNT`: has many wait for one lock in memory, says `resident KIBIBYTES`.
//!
//! What cannot be done is answered by `failed WHY`.

use std::{fmt, time::Duration};

use crate::{outcome::Outcome, turns::Turn};

/// What became of locks that were held for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Resident memory in KiB without and with them.
    pub(crate) before: u32,
    pub(crate) after: u32,
    pub(crate) lost: usize,
    /// Complete rounds of renewal.
    pub(crate) rounds: usize,
    pub(crate) longest_round: Duration,
    /// How long it took to acquire them.
    pub(crate) acquiring: Duration,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after, lost, rounds, longest_round, acquiring } = self;
        let (longest, acquiring) = (longest_round.as_nanos(), acquiring.as_nanos());
        write!(f, "kept {before} {after} {lost} {rounds} {longest} {acquiring}")
    }
}

impl Kept {
    pub(crate) fn parse(line: &str) -> Outcome<Self> {
        let ["kept", before, after, lost, rounds, longest, acquiring] = words(line)[..] else {
            return Err(unexpected(line).into());
        };
        Ok(Self {
            before: before.parse()?,
            after: after.parse()?,
            lost: lost.parse()?,
            rounds: rounds.parse()?,
            longest_round: Duration::from_nanos(longest.parse()?),
            acquiring: Duration::from_nanos(acquiring.parse()?),
        })
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turn {} {} {}", self.token, self.acquired, self.released)
    }
}

impl Turn {
    pub(crate) fn parse(line: &str) -> Outcome<Self> {
        let ["turn", token, acquired, released] = words(line)[..] else { return Err(unexpected(line).into()) };
        Ok(Self { token: token.parse()?, acquired: acquired.parse()?, released: released.parse()? })
    }
}

/// The number of a line that begins with this word.
pub(crate) fn number(line: &str, word: &str) -> Outcome<u64> {
    match words(line)[..] {
        [first, number] if first == word => Ok(number.parse()?),
        _ => Err(unexpected(line).into()),
    }
}

pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

pub(crate) fn unexpected(line: &str) -> String {
    format!("a child process said {line:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let turn = Turn { token: 1, acquired: 2, released: 3 };
        assert_eq!(Turn::parse(&turn.to_string()).expect("a turn"), turn);
        let ms = Duration::from_millis;
        let kept = Kept { before: 1, after: 2, lost: 3, rounds: 4, longest_round: ms(5), acquiring: ms(6) };
        assert_eq!(Kept::parse(&kept.to_string()).expect("kept"), kept);
        assert_eq!(number("time 17", "time").expect("a number"), 17);
    }

    #[test]
    fn anything_else_is_an_error() {
        for line in ["", "turn 1 2", "turn 1 2 x", "kept 1", "failed no server"] {
            assert!(Turn::parse(line).is_err() && Kept::parse(line).is_err() && number(line, "time").is_err());
        }
    }
}
