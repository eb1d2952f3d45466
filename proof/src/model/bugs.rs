//! [`Bug`]: mistakes that a lock of this kind can have, each of which an exploration has to find.

use super::{bounds::Bounds, property::Promise};

/// What an exploration of a world with a bug has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// This promise is broken first.
    Caught(Promise),
    /// No promise is broken, for this reason.
    Harmless(&'static str),
}

use Fate::{Caught, Harmless};
use Promise::*;

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $name:ident: $bounds:expr => $fate:expr,)+) => {
        /// One decision that is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The world that is large enough to show it, and what has to come out.
            #[must_use]
            pub fn case(self) -> (Bounds, Fate) {
                match self { $(Self::$name => ($bounds, $fate),)+ }
            }
        }
    };
}

/// Two processes, one acquisition each, two clocks of servers, one fault.
const PAIR: Bounds = Bounds { until: 6, ttl: 3, margin: 0, drift: 0, retention: Some(3), ..Bounds::SKEWED };
/// The same with short leases and one clock.
const SHORT: Bounds = Bounds { messages: 2, ..Bounds::PLAIN };
const REPEATING: Bounds = Bounds { until: 3, repeats: 1, faults: 0, ..Bounds::PLAIN };
const RENEWING: Bounds = Bounds { renewals: 1, ..SHORT };
/// Two clients of one process, and one of another.
const MATES: Bounds = Bounds { processes: &[0, 0, 1], ..SHORT };
/// One client alone.
const ALONE: Bounds = Bounds { processes: &[0], repeats: 1, ..Bounds::PLAIN };

bugs! {
    // The store.
    /// A fail-over undoes what was acknowledged: write concern `w: 1`.
    WeakWrites: PAIR => Caught(TokensGrow),
    /// The holder's repeated request gets another lease.
    RepeatIsNew: REPEATING => Caught(OneLease),
    /// The holder's repeated request is refused because of its own lease.
    RepeatIsRefused: Bounds { faults: 1, ..REPEATING } => Caught(NothingIsLeft),
    /// A repeated request does not make its lease last longer.
    RepeatDoesNotProlong: REPEATING => Harmless("the lease counts from the first sending that may have brought it"),
    /// A repeated request sets the end of its lease anew, and the withdrawal's is a short one.
    RepeatShortens: SHORT => Caught(NoShortening),
    /// All acquisitions of a client have one holder id.
    NoNonce: Bounds { wishes: 2, faults: 1, ..SHORT } => Caught(LossComesFirst),
    /// A lease is taken over before its end.
    TakenEarly: SHORT => Caught(OneLease),
    /// A lease is taken over at its end, whatever the clocks of the servers.
    NoGrace: PAIR => Caught(LossComesFirst),
    /// A lease is taken over ε after its end: two servers may differ by twice as much.
    HalfGrace: PAIR => Caught(LossComesFirst),
    /// A released lock is not given to the next at once.
    ReleasedWaitsForGrace: PAIR => Caught(FreeIsGranted),
    /// The next token is no larger unless the clock has moved.
    TokenNotIncremented: SHORT => Caught(TokensGrow),
    /// Tokens are counted, so that the count begins anew with the record.
    TokenWithoutClock: PAIR => Caught(TokensGrow),
    /// Tokens are times.
    TokenOfClockOnly: SHORT => Caught(TokensGrow),
    /// Whoever asks may renew.
    RenewUnchecked: RENEWING => Caught(OnlyTheHolder),
    /// The holder may renew under any token.
    RenewByHolder: Bounds { renewals: 1, ..ALONE } => Caught(OnlyTheHolder),
    /// Anybody with the token may renew.
    RenewByToken: RENEWING => Harmless("no two leases have one token"),
    /// A lease that has ended may be renewed until it is taken over.
    RenewEnded: RENEWING => Caught(NoRevival),
    /// A lease that was released may be renewed until it is taken.
    RenewReleased: RENEWING => Caught(OnlyTheHolder),
    /// A renewal sets the end of the lease, wherever it was.
    RenewShortens: RENEWING => Caught(NoShortening),
    /// Whoever asks may release.
    ReleaseUnchecked: SHORT => Caught(OnlyTheHolder),
    /// The holder may release under any token.
    ReleaseByHolder: ALONE => Caught(OnlyTheHolder),
    /// Anybody with the token may release.
    ReleaseByToken: SHORT => Caught(OnlyTheHolder),
    /// A release removes the record.
    ReleaseDeletes: SHORT => Caught(TokensGrow),
    /// Whoever asks may hand over.
    HandOffUnchecked: MATES => Caught(OnlyTheHolder),
    /// A lease that was released may be handed over until it is taken.
    HandOffOfReleased: MATES => Caught(OnlyTheHolder),
    /// The next holder gets the token of the one before.
    HandOffKeepsToken: MATES => Caught(TokensGrow),
    /// A record is removed as soon as its lease has ended.
    RemovedWhenEnded: PAIR => Caught(TokensGrow),
    /// A record is removed some time after it was granted, held or not.
    RemovedByAge: Bounds { retention: Some(1), ..RENEWING } => Caught(OneLease),
    /// A record is removed when it was idle for no longer than two servers may differ.
    RemovedTooSoon: PAIR => Caught(TokensGrow),

    // The client.
    /// The lease counts from the sending of the repeated request, which did not prolong it.
    CountedFromRetry: REPEATING => Caught(LossComesFirst),
    /// The lease counts from the sending of the request that was answered.
    CountedFromOwnSending: REPEATING => Harmless("a store prolongs a lease when its request is repeated"),
    /// The lease counts from the answer.
    CountedFromAnswer: SHORT => Caught(LossComesFirst),
    /// The lease of a hand-off counts from the answer.
    HandOffCountedFromAnswer: MATES => Caught(LossComesFirst),
    /// A renewal counts from its answer.
    RenewalCountedFromAnswer: RENEWING => Caught(LossComesFirst),
    /// The holder does not look at the clock.
    NoDeadline: SHORT => Caught(LossComesFirst),
    /// The holder believes to the very end of its lease, and its clock is late.
    NoMargin: Bounds { drift: 1, margin: 1, ..SHORT } => Caught(LossComesFirst),
    /// An older answer takes back what a newer one has confirmed.
    ConfirmMovesBack: Bounds { processes: &[0], renewals: 2, ..SHORT } => Caught(BeliefGrows),
    /// A renewal that was confirmed too late makes the lease good again.
    LateAnswerRevives: RENEWING => Caught(LostForGood),
    /// A renewal of which nobody knows counts.
    UnknownRenewalCounts: RENEWING => Caught(LossComesFirst),
    /// The holder does not listen when it is told that it is not the holder any more.
    NotHeldIgnored: Bounds { breaks: 1, ..RENEWING } => Caught(LostForGood),
    /// A renewal of one lease confirms the next one of the same client.
    AnyRenewalCounts: Bounds { until: 3, wishes: 2, renewals: 1, faults: 0, ..SHORT } => Harmless("it was sent before the next lease was asked for"),
    /// The holder believes until its release was carried out.
    HeldUntilReleased: SHORT => Caught(LossComesFirst),
    /// A request without an answer counts as refused.
    UnknownIsRefusal: SHORT => Caught(NothingIsLeft),
    /// Nobody finds out what became of a request that was given up.
    NoWithdrawal: SHORT => Caught(NothingIsLeft),
    /// It is not found out while a lease is held under that id: so it was until this model found that the lock may have
    /// been broken, and a repeated request have brought a second lease.
    NotWithdrawnWhileHeld: Bounds { until: 3, breaks: 1, repeats: 1, ..SHORT } => Caught(NothingIsLeft),
    /// A grant that nobody waits for is not released.
    UnwantedKept: SHORT => Caught(NothingIsLeft),
    /// A second grant under the same id is not released while the first is held.
    SecondGrantKept: ALONE => Caught(NothingIsLeft),
    /// A hand-off of which nobody knows counts as done.
    UnknownHandOffCounts: MATES => Caught(NothingIsLeft),

    // The resource.
    /// It accepts all.
    NoFence: Bounds { writes: 1, ..SHORT } => Caught(NoStaleWrite),
    /// It accepts a token that is one smaller than the largest.
    FenceOffByOne: Bounds { writes: 1, ..SHORT } => Caught(NoStaleWrite),
}
