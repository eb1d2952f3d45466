//! [`Bounds`]: how large a world is explored.

use std::time::Duration;

use shylock_core::protocol::Terms;

/// How large a world is explored. Times are in ticks; production sees each as a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The process of each client. Clients of one process share its clock and its end, and hand the lock over.
    pub processes: &'static [u8],
    /// When the world ends.
    pub until: u8,
    /// The length of a lease.
    pub ttl: u8,
    /// How long before its end a lease counts as lost.
    pub margin: u8,
    /// ε: how far the clock of a server may be from the time.
    pub skew: i8,
    /// How far the clock of a process may fall behind; no more than the margin.
    pub drift: u8,
    /// After how long an idle record may be removed; `None`: never.
    pub retention: Option<u8>,
    /// How often each client wants the lock.
    pub wishes: u8,
    /// How often each client repeats a request.
    pub repeats: u8,
    /// How often each client renews.
    pub renewals: u8,
    /// How often each client writes to the resource.
    pub writes: u8,
    /// How much goes wrong in all: what is lost or doubled, fail-overs, crashes.
    pub faults: u8,
    /// How often the lock is broken by somebody outside.
    pub breaks: u8,
    /// How many messages are under way at once.
    pub messages: usize,
}

/// One tick, as production sees it.
pub const TICK: Duration = Duration::from_secs(1);
/// The server's time when the world begins. Far from zero, which stands for "free".
const BEGINNING: u32 = 1000;

impl Bounds {
    /// Two processes and nothing special: one acquisition each, short leases, right clocks, one fault.
    pub const PLAIN: Self = Self {
        processes: &[0, 1],
        until: 4,
        ttl: 2,
        margin: 0,
        skew: 0,
        drift: 0,
        retention: None,
        wishes: 1,
        repeats: 0,
        renewals: 0,
        writes: 0,
        faults: 1,
        breaks: 0,
        messages: 3,
    };

    /// Two servers whose clocks differ by 2ε, and clients whose clocks fall behind by all that the margin allows.
    pub const SKEWED: Self = Self { until: 5, margin: 1, skew: 1, drift: 1, ..Self::PLAIN };

    /// Worlds that are explored in no time.
    pub const SMALL_WORLDS: [(&str, Self); 6] = [
        ("fail-overs", Self { messages: 2, ..Self::SKEWED }),
        ("clean-up", Self { retention: Some(3), until: 6, margin: 0, drift: 0, messages: 2, ..Self::SKEWED }),
        ("renewals and writes", Self { renewals: 1, writes: 1, messages: 2, ..Self::PLAIN }),
        ("repeated requests", Self { until: 3, repeats: 1, messages: 2, ..Self::PLAIN }),
        ("hand-offs", Self { processes: &[0, 0], ..Self::PLAIN }),
        ("breaks", Self { until: 3, breaks: 1, repeats: 1, messages: 2, ..Self::PLAIN }),
    ];

    /// Worlds that take some minutes.
    pub const LARGE_WORLDS: [(&str, Self); 6] = [
        ("breaks", Self { breaks: 1, repeats: 1, messages: 2, ..Self::PLAIN }),
        ("two acquisitions each", Self { wishes: 2, ..Self::PLAIN }),
        ("repeated requests", Self { repeats: 1, ..Self::PLAIN }),
        ("fail-overs, renewals and writes", Self { renewals: 1, writes: 1, ..Self::SKEWED }),
        (
            "fail-overs, renewals and clean-up",
            Self { until: 6, ttl: 3, renewals: 1, retention: Some(3), ..Self::SKEWED },
        ),
        ("hand-offs beside another process", Self { processes: &[0, 0, 1], ..Self::PLAIN }),
    ];

    /// The terms of each lease.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let (ttl, margin) = (ticks(self.ttl), ticks(self.margin));
        Terms { ttl, margin, renews: true, max_hold: None, call_limit: TICK }
    }

    /// ε, as production sees it.
    #[must_use]
    pub fn allowance(&self) -> Duration {
        TICK * u32::from(self.skew.unsigned_abs())
    }
}

/// So many ticks, as production sees them.
#[must_use]
pub fn ticks(number: u8) -> Duration {
    TICK * u32::from(number)
}

/// What the clock of a server reads that is wrong by `skew`.
#[must_use]
pub fn server_time(now: u8, skew: i8) -> Duration {
    TICK * (BEGINNING + u32::from(now)).saturating_add_signed(i32::from(skew))
}
