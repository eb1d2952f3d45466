//! How much of everything is measured.

use std::time::Duration;

/// The sizes of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Before anything counts, for the caches.
    pub(crate) warm_up: usize,
    /// Of a free acquire + release.
    pub(crate) cycles: usize,
    pub(crate) phases: usize,
    pub(crate) phase: Duration,
    /// At least so many for each row.
    pub(crate) hand_offs: usize,
    /// At least so many, too: a server has better and worse moments, and few rounds would see few of them.
    pub(crate) rounds: usize,
    /// The waiting tasks on a held lock.
    pub(crate) waiting: usize,
    /// How long they have had before their commands are counted.
    pub(crate) settle: Duration,
    pub(crate) counted: Duration,
    pub(crate) idle: Duration,
    pub(crate) renewed: usize,
    pub(crate) renewal_ttl: Duration,
    pub(crate) renewals: usize,
    pub(crate) held: usize,
    pub(crate) hold: Duration,
    pub(crate) crowd: usize,
    /// How many acquisitions are asked for at once, beside held locks, and for how long again and again.
    pub(crate) burst: usize,
    pub(crate) bursts: Duration,
    /// How many locks are released at once.
    pub(crate) released: usize,
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Scale {
    /// About a quarter of an hour.
    pub(crate) const FULL: Self = Self {
        warm_up: 100,
        cycles: 2000,
        phases: 5,
        phase: s(2),
        hand_offs: 200,
        rounds: 10,
        waiting: 1000,
        settle: s(3),
        counted: s(30),
        idle: s(10),
        renewed: 10_000,
        renewal_ttl: s(90),
        renewals: 3,
        held: 100_000,
        hold: s(300),
        crowd: 100_000,
        burst: 20_000,
        bursts: s(60),
        released: 10_000,
    };

    /// Tens of seconds. What is as small as this shows that a row works, not what it costs.
    pub(crate) const QUICK: Self = Self {
        warm_up: 20,
        cycles: 300,
        phases: 3,
        phase: Duration::from_millis(500),
        hand_offs: 40,
        rounds: 3,
        settle: s(2),
        counted: s(5),
        idle: s(2),
        renewed: 1000,
        renewal_ttl: s(15),
        renewals: 2,
        held: 5000,
        hold: s(15),
        crowd: 5000,
        burst: 1000,
        bursts: s(5),
        released: 1000,
        ..Self::FULL
    };

    /// A few seconds, on a store in memory.
    pub(crate) const SMOKE: Self = Self {
        warm_up: 2,
        cycles: 20,
        phases: 1,
        phase: Duration::from_millis(50),
        hand_offs: 4,
        rounds: 1,
        waiting: 10,
        settle: Duration::from_millis(50),
        counted: Duration::from_millis(200),
        idle: Duration::from_millis(50),
        renewed: 20,
        renewal_ttl: s(3),
        renewals: 1,
        held: 50,
        hold: s(2),
        crowd: 100,
        burst: 100,
        bursts: Duration::from_millis(100),
        released: 100,
    };
}
