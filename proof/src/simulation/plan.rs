//! [`Plan`]: what a seed decides before anything runs.

use std::time::Duration;

use super::{bug::Bug, chance::Chance, process::CALL_TIMEOUT};

/// A kind of disturbance. A plan has some of them, so that each meets a world that is else quiet, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Delay,
    LostRequest,
    LostReply,
    LateDelivery,
    Duplicate,
    Refusal,
    Hang,
    FailOver,
    ClockStep,
    Outage,
    Partition,
    CutNotices,
    SilentNotices,
    Kill,
    Pause,
    Cancel,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::Delay,
        Self::LostRequest,
        Self::LostReply,
        Self::LateDelivery,
        Self::Duplicate,
        Self::Refusal,
        Self::Hang,
        Self::FailOver,
        Self::ClockStep,
        Self::Outage,
        Self::Partition,
        Self::CutNotices,
        Self::SilentNotices,
        Self::Kill,
        Self::Pause,
        Self::Cancel,
    ];

    /// Its name in a history.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What a seed decides before anything runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The bug that the world has, if it is a control.
    pub bug: Option<Bug>,
    /// Processes at the start.
    pub processes: u32,
    /// Tasks in each of them.
    pub users: u64,
    /// Locks that all of them want.
    pub locks: u64,
    /// The shortest lease that is asked for.
    pub ttl: Duration,
    /// What the store assumes of its nodes' clocks: each is at most so wrong.
    pub allowance: Duration,
    /// How wrong they are at most.
    pub skew: Duration,
    /// How far the server's clock goes in a thousand of the clients' time.
    pub rate: u64,
    /// How long the world is disturbed.
    pub disturbed: Duration,
    /// How many of a thousand calls meet each of the enabled faults.
    pub per_mille: u64,
    /// The pause between two disturbances of the world, at most.
    pub calm: Duration,
    /// Which disturbances there are.
    pub kinds: Vec<Kind>,
    /// Whether the store tells of freed locks.
    pub tells: bool,
    /// How many requests of a process the store serves at a time.
    pub serves: u64,
}

impl Plan {
    /// The plan of this seed.
    #[must_use]
    pub fn new(seed: u64, bug: Option<Bug>) -> Self {
        let chance = Chance::of(seed, u64::MAX);
        let ttl = Duration::from_millis(chance.one_of(&[1000, 1000, 1500, 2000, 3000]));
        let allowance = chance.one_of(&[0, 50, 250]);
        let beyond = chance.per_mille(100);
        let skew = if beyond { chance.between(allowance, 5000) } else { allowance };
        let disturbed = if chance.per_mille(20) { chance.ms(20_000, 50_000) } else { chance.ms(4000, 9000) };
        let likely = chance.one_of(&[200, 400, 800]);
        Self {
            seed,
            bug,
            processes: u32::try_from(chance.between(2, 4)).unwrap_or(2),
            users: chance.between(1, 3),
            locks: chance.one_of(&[1, 1, 2]),
            ttl,
            allowance: Duration::from_millis(allowance),
            skew: Duration::from_millis(skew),
            rate: chance.one_of(&[1000, 1000, 920, 1080]),
            disturbed,
            per_mille: chance.one_of(&[10, 40, 120]),
            calm: Duration::from_millis(chance.one_of(&[400, 1500, 4000])),
            kinds: Kind::ALL.into_iter().filter(|_| chance.per_mille(likely)).collect(),
            tells: chance.per_mille(700),
            serves: chance.one_of(&[1, 2, 10, 10]),
        }
    }

    /// Whether this disturbance is part of it.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// How long a call may take that does not wait for a lock. Where the store serves few requests at a time, those that hang
    /// keep the others of their process waiting, for 30 s at most.
    #[must_use]
    pub fn call_limit(&self) -> Duration {
        let queue = if self.serves < 10 { Duration::from_secs(30) } else { Duration::ZERO };
        CALL_TIMEOUT + queue
    }

    /// Whether it does no more than to lose single messages, and tells so soon.
    #[must_use]
    pub fn is_gentle(&self) -> bool {
        const GENTLE: [Kind; 5] =
            [Kind::LostRequest, Kind::LostReply, Kind::Cancel, Kind::CutNotices, Kind::SilentNotices];
        self.kinds.iter().all(|kind| GENTLE.contains(kind))
    }

    /// Whether the clocks keep to what the store assumes, so that leases cannot overlap.
    #[must_use]
    pub fn keeps_to_allowance(&self) -> bool {
        self.skew <= self.allowance
    }
}
