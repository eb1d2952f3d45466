//! [`Bug`]: what a store, a client or a resource can get wrong. A run with one is a control: it has to be noticed.

/// A seeded bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bug {
    /// A repeated request under the same holder id is a new acquisition.
    RepeatIsNew,
    /// A repeated request under the same holder id is refused, as if another held the lock.
    RepeatIsRefused,
    /// Writes are acknowledged before a majority has them (`w: 1`).
    WeakWriteConcern,
    /// The record is deleted at the end of its lease, and tokens count from one.
    TtlDeletes,
    /// The record is deleted by its release, and tokens count from one.
    ReleaseDeletes,
    /// The resource does not compare tokens.
    NoFence,
    /// The resource compares the wrong way about equality: it refuses the holder's own second write.
    FenceOffByOne,
    /// The client counts its lease from the answer.
    LeaseFromAnswer,
    /// The client does not look at its deadline.
    NoDeadline,
    /// A lease is taken over a quarter before its end.
    EarlyTakeOver,
    /// A lease is taken over at its end, whatever the clocks of the nodes.
    NoGrace,
    /// Half the grace.
    HalfGrace,
    /// A release frees the lock whoever holds it.
    ReleasesByName,
    /// A release looks at the token only, and the token does not grow with a hand-off.
    HandOffKeepsToken,
    /// A hand-off does not look whose lock it is.
    HandsOffByName,
    /// A renewal brings back a lease whoever has the lock by now.
    RenewTakesBack,
    /// A renewal is confirmed whoever has the lock by now.
    RenewsByName,
    /// A lease that has ended, or was released, is renewed.
    RenewRevives,
    /// A renewal ends the lease earlier than it was to end.
    RenewShortens,
    /// A new grant has the token of the one before.
    TokenStays,
    /// The lease counts from the first sending of its request.
    LeaseFromFirstSending,
    /// Two requests at the same time are both granted.
    ChecksThenActs,
    /// An ended lease is never taken over.
    NoTakeOver,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::RepeatIsNew,
        Self::RepeatIsRefused,
        Self::WeakWriteConcern,
        Self::TtlDeletes,
        Self::ReleaseDeletes,
        Self::NoFence,
        Self::FenceOffByOne,
        Self::LeaseFromAnswer,
        Self::NoDeadline,
        Self::EarlyTakeOver,
        Self::NoGrace,
        Self::HalfGrace,
        Self::ReleasesByName,
        Self::HandOffKeepsToken,
        Self::HandsOffByName,
        Self::RenewTakesBack,
        Self::RenewsByName,
        Self::RenewRevives,
        Self::RenewShortens,
        Self::TokenStays,
        Self::LeaseFromFirstSending,
        Self::ChecksThenActs,
        Self::NoTakeOver,
    ];
}
