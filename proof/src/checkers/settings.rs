//! What a run may do.

use serde::{Deserialize, Serialize};

/// What a run may do: its leases, its clocks, and what of it was written down. Times are in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether events of one time are listed in the order in which they happened, as those of a simulation are. If not,
    /// they count as concurrent.
    pub listed_in_order: bool,
    /// The longest lease of the run. 30 s.
    pub ttl: u64,
    /// How long after its end a lease is taken over: 2ε. 500 ms.
    pub grace: u64,
    /// How long who waits may take to find out that a lease has ended, its request included. 6 s.
    pub poll: u64,
    /// How long two holders may both believe in their leases. 0.
    pub overlap: u64,
    /// Whether the history has the store's account of all its grants. True.
    pub stored: bool,
    /// Whether records are removed while their lease may be alive, by an operator or a broken clean-up. False.
    pub records_may_vanish: bool,
    /// How many grants that nobody was told of a call may explain that failed, was dropped, gave up or was killed. 1.
    pub tokens_per_unknown: usize,
    /// How many of them a call may explain that brought a guard, by a request that was still open before it. 0.
    pub tokens_per_grant: usize,
    /// How long a call without a limit may wait once nothing is disturbed any more. 120 s.
    pub wait_bound: u64,
    /// How many calls that came later may be granted before one that waits, if the run is fair.
    pub overtaken: Option<usize>,
    /// The same, counting calls of the same process only.
    pub overtaken_locally: Option<usize>,
    /// How much longer than its time a call may take. 50 ms.
    pub slack: u64,
    /// How long after its deadline a holder may be told of the loss. 50 ms.
    pub loss_delay: u64,
    /// Whether each loss is in the history, as far as its guard lived to tell it. True.
    pub losses_are_told: bool,
    /// Whether nothing renews leases, so that a guard's first deadline is its last. Needs an exact clock. False.
    pub fixed_deadlines: bool,
    /// How long after a fault has ended it still counts. 15 s.
    pub recovery: u64,
    /// The kinds of faults that make another server the primary.
    pub failovers: Vec<String>,
    /// How many tasks more there may be at the end. 0.
    pub more_tasks: u64,
    /// How many connections more there may be at the end. 0.
    pub more_connections: u64,
    /// How many open files more there may be at the end. 0.
    pub more_files: u64,
    /// How many bytes more there may be in memory at the end. 8 MiB.
    pub more_resident: u64,
    /// Secrets that no text may show.
    pub secrets: Vec<String>,
}

const SECOND: u64 = 1_000_000_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            listed_in_order: false,
            ttl: 30 * SECOND,
            grace: SECOND / 2,
            poll: 6 * SECOND,
            overlap: 0,
            stored: true,
            records_may_vanish: false,
            tokens_per_unknown: 1,
            tokens_per_grant: 0,
            wait_bound: 120 * SECOND,
            overtaken: None,
            overtaken_locally: None,
            slack: SECOND / 20,
            loss_delay: SECOND / 20,
            losses_are_told: true,
            fixed_deadlines: false,
            recovery: 15 * SECOND,
            failovers: vec!["failover".into()],
            more_tasks: 0,
            more_connections: 0,
            more_files: 0,
            more_resident: 8 << 20,
            secrets: Vec::new(),
        }
    }
}
