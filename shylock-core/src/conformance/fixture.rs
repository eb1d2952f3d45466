//! [`Fixture`]: what the suite must be able to do to a store besides using it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Client;
use crate::{Backend, LockManager, LockName, MemoryBackend};

/// A store under test.
#[async_trait]
pub trait Fixture: Send + Sync + 'static {
    /// A new handle, as another process would have it: a connection of its own.
    ///
    /// Where the store's client reads a wall clock, the handle's shows another time. Where it reads none, any handle
    /// will do; show that in a process whose clock is shifted.
    async fn handle(&self, clock: ClientClock) -> Arc<dyn Backend>;

    /// A handle whose looks get no proper answer: the connection breaks, or the server fails in a way that nobody has
    /// heard of. `None` for a store that always answers, such as one in memory.
    async fn unanswered(&self) -> Option<Arc<dyn Backend>> {
        None
    }

    /// The locks of one process on this handle, through the API that is under test: the async one.
    fn client(&self, store: Arc<dyn Backend>) -> Arc<dyn Client> {
        Arc::new(LockManager::from(store))
    }

    /// The store's skew allowance ε: an expired lease may be taken over 2ε after its end.
    fn skew_allowance(&self) -> Duration;

    /// Whether [`Backend::watch`] gives a stream: [`Watch::Freed`](crate::Watch::Freed).
    fn notifies(&self) -> bool;

    /// Removes the record of a lock that nobody holds, as the store's clean-up does in time.
    async fn clean_up(&self, name: &LockName);

    /// Stores a record with a defect, and with the token [`Defect::TOKEN`] unless that is what is wrong. Returns whether it
    /// could: a store whose types rule the defect out says no.
    async fn plant(&self, name: &LockName, defect: Defect) -> bool;

    /// The record as it is stored, for comparison.
    async fn stored(&self, name: &LockName) -> String;
}

/// What a client's wall clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientClock {
    /// The time.
    True,
    /// An hour later.
    AnHourAhead,
    /// An hour earlier.
    AnHourBehind,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The end of the lease is a text.
    ExpiryIsText,
    /// The end of the lease is a number.
    ExpiryIsNumber,
    /// The end of the lease is null.
    ExpiryIsNull,
    /// There is no end of the lease, though there is a holder.
    ExpiryIsMissing,
    /// The end of the lease is in the year 9999.
    ExpiryIsTooFar,
    /// The holder is a text, such as one that names another field.
    HolderIsText,
    /// There is a token, but no holder's field.
    HolderIsMissing,
    /// The token is a text.
    TokenIsText,
    /// The token is not whole.
    TokenIsFraction,
    /// The token is missing, though there is a holder.
    TokenIsMissing,
    /// The token is 0.
    TokenIsZero,
    /// The token is −5.
    TokenIsNegative,
    /// The token is 2^53.
    TokenIsTooLarge,
    /// The token is 2^53 − 1, after which there is none.
    TokenIsTheLast,
    /// The record has none of our fields, but one that we do not know.
    ForeignFieldsOnly,
}

impl Defect {
    /// The token of a record whose defect is another: larger than any clock gives for a hundred years.
    pub const TOKEN: u64 = 1 << 52;

    /// Whether the record has this token.
    #[must_use]
    pub const fn leaves_the_token(self) -> bool {
        !matches!(
            self,
            Self::TokenIsText
                | Self::TokenIsFraction
                | Self::TokenIsMissing
                | Self::TokenIsZero
                | Self::TokenIsNegative
                | Self::TokenIsTooLarge
                | Self::TokenIsTheLast
                | Self::ForeignFieldsOnly
        )
    }

    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::ExpiryIsText,
        Self::ExpiryIsNumber,
        Self::ExpiryIsNull,
        Self::ExpiryIsMissing,
        Self::ExpiryIsTooFar,
        Self::HolderIsText,
        Self::HolderIsMissing,
        Self::TokenIsText,
        Self::TokenIsFraction,
        Self::TokenIsMissing,
        Self::TokenIsZero,
        Self::TokenIsNegative,
        Self::TokenIsTooLarge,
        Self::TokenIsTheLast,
        Self::ForeignFieldsOnly,
    ];
}

/// The fixture of [`MemoryBackend`]. Its records are typed values of its own, so that none can have a defect.
#[derive(Debug, Default)]
pub struct MemoryFixture(MemoryBackend);

#[async_trait]
impl Fixture for MemoryFixture {
    async fn handle(&self, _: ClientClock) -> Arc<dyn Backend> {
        Arc::new(self.0.clone())
    }

    fn skew_allowance(&self) -> Duration {
        Duration::ZERO
    }

    fn notifies(&self) -> bool {
        true
    }

    async fn clean_up(&self, name: &LockName) {
        self.0.clean_up(name);
    }

    async fn plant(&self, _: &LockName, _: Defect) -> bool {
        false
    }

    async fn stored(&self, name: &LockName) -> String {
        format!("{:?}", self.0.inspect(name).await)
    }
}
