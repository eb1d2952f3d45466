//! When a process that passes a lock along among its own waiters lets other processes have a turn. Pure, but for the
//! clock.

use std::time::Duration;

use tokio::time::Instant;

/// After so many hand-offs in a row other processes get their turn, after so much time whatever their number.
const MOST_IN_A_ROW: u32 = 16;
const LONGEST_ROW: Duration = Duration::from_millis(500);
/// Sixteen can be over in less than the turn of the others takes: they do not count before this.
const SHORTEST_ROW: Duration = Duration::from_millis(100);
/// Their turn: as long as a process that polls a moving lock waits between two attempts.
pub(crate) const STEP_BACK: Duration = Duration::from_millis(25);

/// Hand-offs without a real release in between. It goes along with the lease, since a line can be empty in between.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    length: u32,
    since: Option<Instant>,
}

impl Row {
    /// One hand-off more; `None` when it is the turn of others.
    pub(crate) fn longer(self, others: Others) -> Option<Self> {
        let since = self.since.unwrap_or_else(Instant::now);
        let may = self.length == 0 || since.elapsed() < others.longest_row(self.length);
        may.then_some(Self { length: self.length + 1, since: Some(since) })
    }
}

/// Whether other processes took their last turn. A turn that nobody wants is a waste of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Others {
    #[default]
    Unknown,
    StayedAway,
}

impl Others {
    fn longest_row(self, hand_offs: u32) -> Duration {
        match self {
            Self::Unknown if hand_offs >= MOST_IN_A_ROW => SHORTEST_ROW,
            Self::Unknown | Self::StayedAway => LONGEST_ROW,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// How long a row of hand-offs that take a millisecond each is, in milliseconds.
    async fn row(others: Others) -> u32 {
        let mut row = Row::default();
        while let Some(longer) = row.longer(others) {
            row = longer;
            advance(Duration::from_millis(1)).await;
        }
        row.length
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_ends_after_a_tenth_of_a_second_where_others_may_wait() {
        assert_eq!(row(Others::Unknown).await, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_lasts_half_a_second_where_nobody_took_the_last_turn() {
        assert_eq!(row(Others::StayedAway).await, 500);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_hand_offs_end_a_row_after_half_a_second() {
        let mut row = Row::default();
        for _ in 0..3 {
            row = row.longer(Others::Unknown).expect("not yet");
            advance(Duration::from_millis(200)).await;
        }
        assert!(row.longer(Others::Unknown).is_none());
        let first = Row::default().longer(Others::Unknown);
        assert!(first.is_some(), "each holder may hand over once");
    }
}
