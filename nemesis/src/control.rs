//! Controls: mistakes that a run must find, or it finds nothing.

use std::{fmt, str::FromStr};

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Writes are confirmed by one server (`w: 1`): the proxies change the commands on their way.
    OneServer,
    /// A TTL index removes the record as soon as its lease has ended.
    Ttl,
    /// Each request to acquire is under an id of its own, so that a repeated one does not recognise its grant.
    NoNonce,
    /// The resource takes every write.
    NoFence,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OneServer, Self::Ttl, Self::NoNonce, Self::NoFence];

    /// The checkers of which one must speak.
    #[must_use]
    pub const fn caught_by(self) -> &'static [&'static str] {
        match self {
            Self::OneServer => &["CK-T", "CK-G", "CK-S", "CK-B", "CK-F"],
            Self::Ttl => &["CK-S", "CK-T", "CK-B"],
            Self::NoNonce => &["CK-G"],
            Self::NoFence => &["CK-F"],
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneServer => "w1",
            Self::Ttl => "ttl",
            Self::NoNonce => "no-nonce",
            Self::NoFence => "no-fence",
        })
    }
}

impl FromStr for Control {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|control| control.to_string() == name).ok_or_else(|| format!("no control {name:?}"))
    }
}
