//! Which faults there are, and which comes next. Pure: a seed decides.

use std::time::Duration;

use crate::{
    dice::Dice,
    lab::{Host, WORKERS, Way},
};

/// The longest cut. A lease of 30 s survives it.
pub const LONGEST_CUT: u64 = 15_000;
/// How far a server's clock may be from the right time, in milliseconds: less than the skew allowance of the library,
/// 250 ms, so that two of them differ by less than the time for which it waits before it takes a lease over.
pub const LARGEST_ERROR: i64 = 240;

/// A member of the set, by what it is when the fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The primary.
    Primary,
    /// One of the others: the first or the second.
    Secondary(u8),
}

/// A fault of the servers or of the wires to the keepers of long leases. One at a time, each healed before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    /// `kill -9`, and a restart after this time.
    Kill(Who, Duration),
    /// Stopped for this time.
    Pause(Who, Duration),
    /// Another member is elected.
    StepUp,
    /// The primary steps down.
    StepDown,
    /// Cut off from the other members for this time.
    Isolate(Who, Way, Duration),
    /// Cut off from the workers of a host and from the other members, too.
    Vanish(Who, Duration),
    /// The keepers' host is cut off from all members.
    CutKeepers(Way, Duration),
}

/// A fault of the workers or of their wires. They come whatever the servers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFault {
    /// A host is cut off from the primary, or from all members.
    Cut {
        /// The workers' host.
        host: Host,
        /// From all members, not only from the primary.
        all: bool,
        /// What becomes of the packets.
        way: Way,
        /// For so long.
        time: Duration,
    },
    /// A worker is killed, and another one started.
    Kill,
    /// A worker is stopped for this time.
    Pause(Duration),
    /// The wall clock of the workers' second host is now so many seconds ahead.
    WallClock(i64),
    /// The clock of a member is now so many milliseconds ahead.
    Skew(usize, i64),
}

impl ServerFault {
    /// The next one.
    pub fn draw(dice: &mut Dice) -> Self {
        let who = |dice: &mut Dice| {
            if dice.percent(75) { Who::Primary } else { Who::Secondary(u8::from(dice.percent(50))) }
        };
        match dice.below(100) {
            0..22 => Self::Kill(who(dice), dice.between(300, 3_000)),
            22..38 => Self::Pause(who(dice), dice.between(500, 6_000)),
            38..56 => Self::StepUp,
            56..68 => Self::StepDown,
            68..84 => Self::Isolate(who(dice), way(dice), cut(dice)),
            84..92 => Self::Vanish(who(dice), cut(dice)),
            _ => Self::CutKeepers(way(dice), cut(dice)),
        }
    }

    /// Its name in the history.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Kill(..) => "kill",
            Self::Pause(..) => "pause",
            Self::StepUp => "step_up",
            Self::StepDown => "step_down",
            Self::Isolate(_, Way::Both, _) => "isolate",
            Self::Isolate(..) => "isolate_half_open",
            Self::Vanish(..) => "vanish",
            Self::CutKeepers(..) => "cut_keepers",
        }
    }
}

impl ClientFault {
    /// The next one.
    pub fn draw(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..30 => Self::Cut {
                host: dice.one(&WORKERS[..3]),
                all: dice.percent(40),
                way: if dice.percent(25) { Way::Reset } else { way(dice) },
                time: cut(dice),
            },
            30..50 => Self::Kill,
            50..78 => Self::Pause(dice.between(300, 9_000)),
            78..86 => Self::WallClock(dice.one(&[-31_536_000, -3_600, -5, 0, 5, 3_600, 31_536_000])),
            _ => Self::Skew(dice.one(&[0, 1, 2]), dice.one(&[-1, 1]) * i64::from(dice.small()) * LARGEST_ERROR / 255),
        }
    }

    /// Its name in the history.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cut { way: Way::Reset, .. } => "reset",
            Self::Cut { way: Way::Lossy(_), .. } => "lossy",
            Self::Cut { .. } => "cut",
            Self::Kill => "kill_worker",
            Self::Pause(_) => "pause_worker",
            Self::WallClock(_) => "wall_clock",
            Self::Skew(..) => "skew",
        }
    }
}

fn way(dice: &mut Dice) -> Way {
    match dice.below(10) {
        0..5 => Way::Both,
        5..7 => Way::In,
        7..9 => Way::Out,
        _ => Way::Lossy(dice.small() % 30 + 5),
    }
}

/// Mostly some seconds, sometimes as long as may be.
fn cut(dice: &mut Dice) -> Duration {
    if dice.percent(12) { dice.between(8_000, LONGEST_CUT) } else { dice.between(500, 4_000) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_comes_and_no_cut_is_too_long() {
        let (mut servers, mut clients) = (Dice::new(1, 1), Dice::new(1, 2));
        let mut kinds = BTreeSet::new();
        for _ in 0..2_000 {
            let (server, client) = (ServerFault::draw(&mut servers), ClientFault::draw(&mut clients));
            kinds.extend([server.kind(), client.kind()]);
            if let ServerFault::Isolate(_, _, time) | ServerFault::CutKeepers(_, time) = server {
                assert!(time <= Duration::from_millis(LONGEST_CUT));
            }
        }
        assert_eq!(kinds.len(), 15, "{kinds:?}");
    }
}
