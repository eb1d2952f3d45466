//! [`Promise`]: what must never be broken.

use stateright::{Expectation, Property};

use super::World;

/// What is promised. Each breach is noted in the state where it shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Promise {
    /// No two leases are alive at the same time of the server.
    OneLease,
    /// No two grants have the same token, and later ones have larger ones.
    TokensGrow,
    /// Renewal, release and hand-off change nothing but the caller's lease.
    OnlyTheHolder,
    /// No lease is renewed after its end.
    NoRevival,
    /// No renewal or repetition makes a lease end sooner.
    NoShortening,
    /// No two holders believe that they hold the lock, nor one while it is granted to another: each is told of its loss
    /// before, as long as clocks are wrong by no more than is allowed for.
    LossComesFirst,
    /// What is lost stays lost, and who is told that it is not the holder is not.
    LostForGood,
    /// A confirmation makes no belief end sooner.
    BeliefGrows,
    /// The resource accepts no write of an older holder after one of a newer.
    NoStaleWrite,
    /// A request whose outcome is unknown counts as neither granted nor refused: what it brought is used or released.
    NothingIsLeft,
    /// A lock is granted when it was released, or 2ε after its lease has ended.
    FreeIsGranted,
}

/// The promises that are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Breaches(u16);

impl Promise {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OneLease,
        Self::TokensGrow,
        Self::OnlyTheHolder,
        Self::NoRevival,
        Self::NoShortening,
        Self::LossComesFirst,
        Self::LostForGood,
        Self::BeliefGrows,
        Self::NoStaleWrite,
        Self::NothingIsLeft,
        Self::FreeIsGranted,
    ];

    /// Its name in an exploration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneLease => "one lease at a time",
            Self::TokensGrow => "tokens grow",
            Self::OnlyTheHolder => "only the holder has a say",
            Self::NoRevival => "no revival",
            Self::NoShortening => "no shortening",
            Self::LossComesFirst => "the loss comes first",
            Self::LostForGood => "lost for good",
            Self::BeliefGrows => "belief grows",
            Self::NoStaleWrite => "no stale write",
            Self::NothingIsLeft => "nothing is left behind",
            Self::FreeIsGranted => "a free lock is granted",
        }
    }

    pub(super) fn property(self) -> Property<World> {
        // A function pointer can hold no promise, so each has its own.
        macro_rules! kept {
            ($($promise:ident)*) => {
                match self { $(Self::$promise => |_, state| !state.breaches.has(Self::$promise),)* }
            };
        }
        let condition: fn(&World, &super::State) -> bool = kept!(
            OneLease TokensGrow OnlyTheHolder NoRevival NoShortening LossComesFirst LostForGood BeliefGrows NoStaleWrite
            NothingIsLeft FreeIsGranted
        );
        Property { expectation: Expectation::Always, name: self.name(), condition }
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl Breaches {
    /// Notes that a promise is broken, if it is.
    pub fn check(&mut self, promise: Promise, kept: bool) {
        if !kept {
            self.0 |= promise.bit();
        }
    }

    /// Whether this one is.
    #[must_use]
    pub const fn has(self, promise: Promise) -> bool {
        self.0 & promise.bit() != 0
    }

    /// Whether any is.
    #[must_use]
    pub const fn any(self) -> bool {
        self.0 != 0
    }
}
