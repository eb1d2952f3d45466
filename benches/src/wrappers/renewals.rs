//! From single renewals to rounds in which every lease is renewed once.

use std::time::Duration;

/// One call of `renew`, in nanoseconds of [`crate::monotonic::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    /// How many it renewed.
    pub(crate) leases: usize,
}

/// Calls that follow each other within this time belong to one burst: the engine was at it all the time.
const GAP: u64 = 50_000_000;

/// How long each complete round took.
///
/// A *burst* lasts from the sending of its first call to the last answer to its calls. A *round* is as many bursts
/// as it takes until all `leases` were renewed, and takes the sum of their times: leases that were acquired over a
/// longer time come due over a longer time, too, and the time in which nothing is due is nobody's work.
pub(crate) fn rounds(calls: &[Call], leases: usize) -> Vec<Duration> {
    let mut calls = calls.to_vec();
    calls.sort_unstable();
    let (mut rounds, mut time, mut renewed) = (Vec::new(), 0, 0);
    for burst in bursts(&calls) {
        let answered = burst.iter().map(|call| call.answered).max().unwrap_or_default();
        time += answered - burst[0].sent;
        renewed += burst.iter().map(|call| call.leases).sum::<usize>();
        if renewed >= leases {
            rounds.push(Duration::from_nanos(time));
            (time, renewed) = (0, 0);
        }
    }
    rounds
}

fn bursts(sorted: &[Call]) -> Vec<&[Call]> {
    let mut bursts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (index, call) in sorted.iter().enumerate() {
        if index > start && call.sent > end + GAP {
            bursts.push(&sorted[start..index]);
            start = index;
        }
        end = end.max(call.answered);
    }
    if start < sorted.len() {
        bursts.push(&sorted[start..]);
    }
    bursts
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn call(sent_ms: u64, answered_ms: u64, leases: usize) -> Call {
        Call { sent: sent_ms * 1_000_000, answered: answered_ms * 1_000_000, leases }
    }

    fn ms(rounds: &[Duration]) -> Vec<u128> {
        rounds.iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn a_burst_lasts_from_the_first_sending_to_the_last_answer() {
        let calls = [call(0, 30, 1000), call(1, 20, 1000), call(40, 90, 500)];
        assert_eq!(ms(&rounds(&calls, 2500)), [90]);
    }

    #[test]
    fn idle_time_within_a_round_does_not_count() {
        let calls = [call(0, 10, 5), call(1000, 1020, 5), call(9000, 9030, 5), call(10_000, 10_040, 5)];
        assert_eq!(ms(&rounds(&calls, 10)), [30, 70]);
    }

    #[test]
    fn a_round_that_is_not_complete_is_left_out() {
        assert_eq!(ms(&rounds(&[call(0, 10, 10), call(5000, 5010, 9)], 10)), [10]);
        assert!(rounds(&[], 10).is_empty());
    }

    #[test]
    fn a_failed_call_takes_time_and_renews_nothing() {
        assert_eq!(ms(&rounds(&[call(0, 100, 0), call(120, 150, 10)], 10)), [150]);
    }
}
