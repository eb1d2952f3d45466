//! What a fault does.

use std::time::Duration;

use crate::error::Failure;

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Delay(Duration),
    Pause,
    Fail(Failure),
    Reply(Fake),
}

/// What comes instead of the answer.
#[derive(Debug, Clone)]
pub(crate) enum Fake {
    Close,
    /// The announced length is right, but the connection ends before.
    CutBody,
    /// A shorter body, announced as such.
    HalfBody,
    Raw {
        status: u16,
        content_type: String,
        body: String,
    },
}

impl Fake {
    /// Whether the request goes no further; otherwise its own answer is spoilt.
    pub(crate) fn ends_the_request(&self) -> bool {
        match self {
            Self::Close | Self::Raw { .. } => true,
            Self::CutBody | Self::HalfBody => false,
        }
    }
}
