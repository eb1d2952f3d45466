//! [`Tally`]: what has happened in an exploration. One in which something never happens shows nothing about it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What must happen somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The lock was granted.
    Granted,
    /// A lease that had ended was taken over.
    TakenOver,
    /// A repeated request has recognised its grant.
    Recognised,
    /// A request was refused.
    Refused,
    /// A lease was renewed.
    Renewed,
    /// A renewal was refused.
    RenewalRefused,
    /// A lease was released.
    Released,
    /// A release came too late.
    ReleasedTooLate,
    /// The lock went from one holder to the next.
    HandedOff,
    /// It was not the holder's any more.
    HandOffRefused,
    /// A grant came when its lease was over for its client.
    GrantedTooLate,
    /// A grant that nobody waited for was released.
    Unwanted,
    /// What became of a request that was given up is being found out.
    Withdrawing,
    /// That brought a lease, which was released.
    Withdrawn,
    /// A renewal was confirmed when the lease was lost.
    ConfirmedTooLate,
    /// The resource has refused a stale write.
    Fenced,
    /// An idle record was removed.
    Removed,
    /// A lock was granted whose record had been removed.
    GrantedAfterRemoval,
    /// A token grew by more than the clock.
    TokenAheadOfClock,
    /// A lock was broken.
    Broken,
    /// A holder was granted the lock while the server's clock was wrong.
    GrantedUnderSkew,
    /// The state of the store was rolled back.
    RolledBack,
}

/// How often each happened, over all steps that were explored.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Event::ALL.len()]);

impl Event {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Granted,
        Self::TakenOver,
        Self::Recognised,
        Self::Refused,
        Self::Renewed,
        Self::RenewalRefused,
        Self::Released,
        Self::ReleasedTooLate,
        Self::HandedOff,
        Self::HandOffRefused,
        Self::GrantedTooLate,
        Self::Unwanted,
        Self::Withdrawing,
        Self::Withdrawn,
        Self::ConfirmedTooLate,
        Self::Fenced,
        Self::Removed,
        Self::GrantedAfterRemoval,
        Self::TokenAheadOfClock,
        Self::Broken,
        Self::GrantedUnderSkew,
        Self::RolledBack,
    ];
}

impl Tally {
    /// Notes that something has happened.
    pub fn add(&self, event: Event) {
        self.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has.
    #[must_use]
    pub fn of(&self, event: Event) -> u64 {
        self.0[event as usize].load(Ordering::Relaxed)
    }
}
