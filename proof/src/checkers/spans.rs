//! Times at which something was not as usual.

/// Spans of time that do not touch, in order.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<(u64, u64)>);

impl Spans {
    pub(crate) fn new(mut spans: Vec<(u64, u64)>) -> Self {
        spans.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (from, to) in spans {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// Whether one of them has a moment in common with this one.
    pub(crate) fn meet(&self, from: u64, to: u64) -> bool {
        let next = self.0.partition_point(|span| span.1 < from);
        self.0.get(next).is_some_and(|span| span.0 <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_meet_at_their_very_ends_and_not_beside_them() {
        let spans = Spans::new(vec![(30, 40), (10, 15), (12, 20)]);
        let met: Vec<u64> = (0..50).filter(|&at| spans.meet(at, at)).collect();
        assert_eq!(met, (10..=20).chain(30..=40).collect::<Vec<_>>());
        assert!(spans.meet(0, 100) && spans.meet(25, 30) && !spans.meet(21, 29) && !spans.meet(41, 99));
        assert!(!Spans::default().meet(0, u64::MAX));
    }
}
