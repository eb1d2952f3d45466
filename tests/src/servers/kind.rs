//! The kinds of servers tests can ask for.

use std::fmt;

/// A kind of MongoDB deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One server that is no member of anything.
    Standalone,
    /// A replica set of that many voting members, with a primary.
    ReplicaSet(usize),
    /// A replica set of one that works like the previous version of MongoDB, as in the days after an upgrade.
    PreviousFeatures,
    /// A standalone that lets nobody in without a password.
    WithAuth,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standalone => write!(f, "standalone"),
            Self::ReplicaSet(members) => write!(f, "replica set of {members}"),
            Self::PreviousFeatures => write!(f, "replica set of 1 with the features of the version before"),
            Self::WithAuth => write!(f, "standalone with authentication"),
        }
    }
}
