//! Who held a lock when, and how long it took from one to the next.

use std::time::Duration;

use crate::{monotonic, outcome::Outcome};

/// One who held the lock, in nanoseconds of [`monotonic::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// The fencing token; 0 where there is none.
    pub(crate) token: u64,
    pub(crate) acquired: u64,
    /// When the holder was about to call release.
    pub(crate) released: u64,
}

impl Turn {
    /// Of one that was acquired now and is released now: for what takes no time.
    pub(crate) fn beginning(token: u64) -> Self {
        Self { token, acquired: monotonic::now(), released: 0 }
    }

    pub(crate) fn ending(mut self) -> Self {
        self.released = monotonic::now();
        self
    }
}

/// The latencies of the hand-offs between these: from the call of release to the next acquisition, in the order of
/// the tokens, and where there are none, of the acquisitions.
///
/// The first does not count: it ends the time in which all came and settled, and a server that was idle for so long is
/// slower than in the rhythm of those that follow.
pub(crate) fn latencies(mut turns: Vec<Turn>) -> Outcome<Vec<Duration>> {
    turns.sort_unstable();
    let between = |pair: &[Turn]| {
        let latency = pair[1].acquired.checked_sub(pair[0].released);
        latency.map(Duration::from_nanos).ok_or_else(|| format!("two held the lock at once: {pair:?}").into())
    };
    let all: Outcome<Vec<Duration>> = turns.windows(2).map(between).collect();
    Ok(all?.into_iter().skip(1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn turn(token: u64, acquired: u64, released: u64) -> Turn {
        Turn { token, acquired, released }
    }

    #[test]
    fn hand_offs_are_ordered_by_token() {
        let turns = vec![turn(3, 500, 600), turn(1, 0, 100), turn(2, 130, 400)];
        let nanos: Vec<u128> = latencies(turns).expect("in turn").iter().map(Duration::as_nanos).collect();
        assert_eq!(nanos, [100]);
    }

    #[test]
    fn without_tokens_by_time() {
        let turns = vec![turn(0, 450, 500), turn(0, 200, 300), turn(0, 0, 100)];
        assert_eq!(latencies(turns).expect("in turn"), [Duration::from_nanos(150)]);
    }

    #[test]
    fn two_holders_are_no_measurement() {
        assert!(latencies(vec![turn(1, 0, 100), turn(2, 50, 200)]).is_err());
    }
}
