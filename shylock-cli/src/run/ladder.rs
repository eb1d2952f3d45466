//! [`Ladder`]: when a command has to be stopped, and how hard. Pure.

use std::time::Duration;

/// Between SIGTERM and SIGKILL of a command that has run for too long.
const GRACE: Duration = Duration::from_secs(10);
/// The longest time between two looks: the watcher wants to hear of us, and a clock may have leapt.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time that a command gets to end by itself before its lock is lost.
const LEAD: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    pub(super) ttl: Duration,
    pub(super) at_most: Option<Duration>,
}

/// Why a command is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Lost,
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) cause: Cause,
    /// By SIGKILL, not by SIGTERM.
    pub(super) hard: bool,
}

impl Ladder {
    /// What has to be done about a command that has run for so long, and whose lock is good for so long.
    pub(super) fn due(&self, remaining: Duration, ran: Duration) -> Option<Stop> {
        let stop = |cause, hard| Some(Stop { cause, hard });
        let over = self.at_most.and_then(|most| ran.checked_sub(most));
        if remaining.is_zero() {
            stop(Cause::Lost, true)
        } else if over.is_some_and(|over| over >= GRACE) {
            stop(Cause::TooLong, true)
        } else if remaining <= self.lead() {
            stop(Cause::Lost, false)
        } else if over.is_some() {
            stop(Cause::TooLong, false)
        } else {
            None
        }
    }

    /// How long until the next look.
    pub(super) fn pause(&self, remaining: Duration, ran: Duration) -> Duration {
        let most = self.at_most;
        let steps = [
            Some(remaining),
            remaining.checked_sub(self.lead()),
            most.and_then(|most| most.checked_sub(ran)),
            most.and_then(|most| most.saturating_add(GRACE).checked_sub(ran)),
        ];
        // A millisecond more, as timers may be early by less.
        let ahead = steps
            .into_iter()
            .flatten()
            .filter(|step| !step.is_zero())
            .map(|step| step.saturating_add(Duration::from_millis(1)));
        ahead.min().unwrap_or(LOOK).min(LOOK)
    }

    /// How long before the lock would be lost the command is asked to end. Not longer, so that a lease of 30 s, renewed each
    /// 10 s, outlives a fail-over of its database of 15 s without its command being bothered.
    fn lead(&self) -> Duration {
        (self.ttl / 10).min(LEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    const LADDER: Ladder = Ladder { ttl: s(30), at_most: Some(s(100)) };

    #[test]
    fn it_is_asked_first_and_then_killed() {
        let due = |remaining, ran| LADDER.due(remaining, ran).map(|stop| (stop.cause, stop.hard));
        assert_eq!(due(s(20), s(99)), None);
        assert_eq!(due(s(3) + Duration::from_nanos(1), s(0)), None);
        assert_eq!(due(s(3), s(0)), Some((Cause::Lost, false)));
        assert_eq!(due(s(0), s(0)), Some((Cause::Lost, true)));
        assert_eq!(due(s(20), s(100)), Some((Cause::TooLong, false)));
        assert_eq!(due(s(20), s(110)), Some((Cause::TooLong, true)));
        assert_eq!(due(s(0), s(110)), Some((Cause::Lost, true)), "the lock is what others wait for");
        assert_eq!(Ladder { at_most: None, ..LADDER }.due(s(20), s(1_000_000)), None);
        assert_eq!(Ladder { ttl: s(3600), ..LADDER }.due(s(11), s(0)), None);
        let endless = Ladder { at_most: Some(Duration::MAX), ..LADDER };
        assert_eq!((endless.due(s(20), s(100)), endless.pause(s(20), s(100))), (None, LOOK));
    }

    /// Whoever sleeps for the pause sees each step within a millisecond or two, and looks twice a second anyway.
    #[test]
    fn no_step_is_slept_through() {
        let ms = Duration::from_millis;
        let ladder = Ladder { ttl: s(1), at_most: Some(ms(300)) };
        assert_eq!(ladder.pause(ms(900), ms(0)), ms(301));
        assert_eq!(ladder.pause(ms(400), ms(300)), ms(301));
        assert_eq!(ladder.pause(ms(100), ms(10_100)), ms(101));
        assert_eq!(ladder.pause(ms(0), ms(20_000)), LOOK);
        assert_eq!(LADDER.pause(s(28), s(0)), LOOK);
    }
}
