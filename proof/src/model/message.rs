//! [`Message`]: what is under way between clients, the store and the resource.

use shylock_core::FencingToken;

use super::state::Id;

/// Something under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// Whose request it is, or belongs to.
    pub of: Id,
    /// It is a second copy of a request, whose answer nobody hears.
    pub copy: bool,
    /// What it says. Each answer belongs to one request, and so knows when that was sent.
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// `try_acquire`, for its client, or to find out what became of requests that were given up.
    Acquire(Purpose, u8),
    /// `renew`.
    Renew(FencingToken, u8),
    /// `release`. It is repeated until the store knows, and needs no answer here.
    Release(FencingToken),
    /// `hand_off`.
    HandOff(FencingToken, Passing),
    /// A write to the resource.
    Write(FencingToken),
    /// `Attempt::Granted`.
    Granted(Purpose, u8, FencingToken),
    /// `Attempt::Held`.
    Refused(Purpose),
    /// `RenewOutcome::Renewed`.
    Renewed(FencingToken, u8),
    /// `RenewOutcome::NotHeld`.
    NotHeld(FencingToken),
    /// `HandOff::Granted`: the first token was given for the second.
    HandedOff(FencingToken, Passing, FencingToken),
    /// `HandOff::NotHeld`.
    NotHandedOff(FencingToken, Passing),
}

/// What for the lock is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To hold it.
    Hold,
    /// To find out what became of requests that were given up.
    Withdraw,
}

/// A hand-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passing {
    /// To whom.
    pub to: Id,
    /// When it was sent.
    pub sent: u8,
    /// The holder still waits for its answer.
    pub awaited: bool,
}

impl Message {
    /// A message of its own.
    #[must_use]
    pub const fn new(of: Id, body: Body) -> Self {
        Self { of, copy: false, body }
    }

    /// Whether it may still change something for an acquisition.
    #[must_use]
    pub fn concerns(&self, id: Id) -> bool {
        let receiver = match self.body {
            Body::HandOff(_, passing) | Body::HandedOff(_, passing, _) | Body::NotHandedOff(_, passing) => passing.to,
            Body::Write(_) => return false,
            _ => self.of,
        };
        self.of == id || receiver == id
    }

    /// Whether it is on its way back.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        match self.body {
            Body::Acquire(..) | Body::Renew(..) | Body::Release(_) | Body::HandOff(..) | Body::Write(_) => false,
            Body::Granted(..)
            | Body::Refused(_)
            | Body::Renewed(..)
            | Body::NotHeld(_)
            | Body::HandedOff(..)
            | Body::NotHandedOff(..) => true,
        }
    }
}
