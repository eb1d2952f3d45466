//! [`Backend`]: what a store must do, and the plain values that go in and out.

use std::{any::Any, fmt::Debug, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::{BackendError, FencingToken, HolderId, HolderInfo, LeaseKey, LockInfo, LockName};

/// A store of leases: the least that it must do atomically.
///
/// Waiting, queueing, renewal, guards and user-facing errors are written once, in this crate; a store only answers.
/// Use it through a [`LockManager`](crate::LockManager).
///
/// # Contract
/// Each promise has the name of the test in [`conformance`] that shows a breach of it (feature `conformance`). *Now* is
/// the clock of the server that carries out the call; no client's wall clock takes part in anything. *Live* means:
/// granted, not released or broken, and its end is later than now.
///
/// 1. **One holder.** `try_acquire` is one atomic step on the server. Of any number of calls for a free name
///    exactly one is granted. (`one_of_many_gets_a_free_lock`)
/// 2. **Held is an answer.** While a lease is live, a call under another holder id gets [`Attempt::Held`] with the
///    truth about the holder, and changes nothing. (`a_held_lock_is_refused_and_tells_its_holder`)
/// 3. **Tokens grow** with every grant of a name, in the order of the grants, by the rule of
///    [`FencingToken::following`]: across release (`token_grows_after_release`), hand-off
///    (`hand_off_passes_the_lock_on`), break (`break_frees_and_fences`), expiry
///    (`an_expired_lease_is_taken_over`) and the clean-up of idle records (`token_grows_after_clean_up`).
/// 4. **Only the holder.** `hand_off` acts only if holder *and* token are those of the record; `release` and `renew`
///    too, for each lease of their batch by itself. Anybody else is told `NotHeld`, and nothing changes.
///    (`a_stale_holder_cannot_release`, `a_stale_holder_cannot_renew`, `a_stale_holder_cannot_hand_off`,
///    `a_batch_is_answered_one_by_one`, `a_batch_of_releases_is_answered_one_by_one`)
/// 5. **No revival.** An expired lease is neither renewed nor granted again with its token.
///    (`an_expired_lease_cannot_be_renewed`)
/// 6. **No shortening.** Renewal moves the end of a lease to now + ttl or leaves it where it is.
///    (`renewal_never_shortens`)
/// 7. **Take-over.** A lease that ended 2ε ago (ε: the store's skew allowance) is taken by the next attempt,
///    whether or not any clean-up ran, and not before. (`an_expired_lease_is_taken_over`,
///    `a_lease_is_not_taken_early`)
/// 8. **Full lease.** A lease ends at now + ttl of its grant, however long the request was repeated before.
///    (`waiting_never_shortens_the_lease`)
/// 9. **Server clock.** (`client_clocks_have_no_say`)
/// 10. **Repetition.** A request that is repeated under the holder id of a live lease gets that lease's token
///     again; its end may move later, never earlier. A repeated release answers `NotHeld`. A call whose future is
///     dropped or whose answer is lost may have been carried out. (`a_repeated_request_recognises_its_grant`,
///     `a_repeated_release_is_harmless`)
/// 11. **Data stays data.** Names, notes and hosts are stored and compared byte by byte, whatever they contain.
///     (`hostile_names_and_notes_are_data`)
/// 12. **Foreign records.** A record with wrong types, impossible values, or a token that is none is reported as
///     [`Failure::Corrupt`](crate::Failure::Corrupt), is never granted, and stays as it is.
///     (`a_corrupt_record_is_reported_and_untouched`) `repair` makes a free lock of it, and of nothing else, and tokens
///     grow on. (`a_corrupt_record_is_repaired_and_a_sound_one_is_not`)
/// 13. **Looking.** `inspect` and `list` see every grant that was answered before they were called, and change
///     nothing, which their failures say. (`inspect_and_list_tell_the_truth`, `a_failed_look_has_changed_nothing`)
/// 14. **Notices.** A stream of [`Watch::Freed`] names every lock that is released or broken after `watch` has
///     answered, whoever did it, or it ends. One that stays open is alive: it ends when the store has not been heard
///     for some seconds, though it may have had nothing to say. (`a_freed_lock_is_told`)
///
/// # Cancel safety
/// The engine drops the future of a call only if there was no answer for half a minute. It then takes for granted that
/// the call may have been carried out; what an implementation holds for it, such as a connection of a pool, must be
/// free again. Within that time an implementation need not be cancel safe.
///
#[cfg_attr(feature = "conformance", doc = "[`conformance`]: crate::conformance")]
#[cfg_attr(not(feature = "conformance"), doc = "[`conformance`]: crate#a-store-of-your-own")]
#[async_trait]
pub trait Backend: Any + Debug + Send + Sync {
    /// How many requests the store's client has under way at a time, such as the connections of its pool. More wait in the
    /// engine, the most urgent first, so that no renewal waits behind acquisitions inside the client. Renewals have two
    /// of these to themselves where there are four or more. A store that names none gets ten.
    fn concurrency(&self) -> usize {
        10
    }

    /// Grants the lease if nobody else has it.
    ///
    /// # Errors
    /// [`BackendError`] says whether the grant may have happened all the same.
    async fn try_acquire(&self, request: &AcquireRequest) -> Result<Attempt, BackendError>;

    /// Renews all of these leases, a thousand at most, in one round trip; one answer for each, in their order.
    ///
    /// # Errors
    /// [`BackendError`] for the batch as a whole.
    async fn renew(&self, leases: &[Renewal]) -> Result<Vec<RenewOutcome>, BackendError>;

    /// Frees each of these locks, a thousand at most and each name once, in one round trip; one answer for each, in
    /// their order. Their records stay, for the tokens' sake.
    ///
    /// # Errors
    /// [`BackendError`] for the batch as a whole: it says whether releases may have happened all the same.
    async fn release(&self, leases: &[LeaseKey]) -> Result<Vec<ReleaseOutcome>, BackendError>;

    /// Releases `from` and grants `to`, which is for the same name, in one atomic step, or does neither.
    ///
    /// A repeated call whose first answer was lost may say `NotHeld`; `to` then recognises its grant by
    /// [`try_acquire`](Self::try_acquire).
    ///
    /// # Errors
    /// [`BackendError`] says whether the hand-off may have happened all the same.
    async fn hand_off(&self, from: &LeaseKey, to: &AcquireRequest) -> Result<HandOff, BackendError>;

    /// The live lease of this name. One whose end has passed and that nobody took is `None`.
    ///
    /// # Errors
    /// [`BackendError`], never [`Ambiguous`](crate::Failure::Ambiguous).
    async fn inspect(&self, name: &LockName) -> Result<Option<LockInfo>, BackendError>;

    /// A page of the live leases, in the byte order of their names. Corrupt records are left out.
    ///
    /// # Errors
    /// [`BackendError`], never [`Ambiguous`](crate::Failure::Ambiguous).
    async fn list(&self, query: &ListQuery) -> Result<Vec<LockInfo>, BackendError>;

    /// Replaces the record of this lock by that of a free lock if it is corrupt, and says whether it was; leaves a sound
    /// record as it is. The next token is larger than the one in the corrupt record, as far as that one can be read.
    ///
    /// # Errors
    /// [`BackendError`] says whether the repair may have happened all the same.
    async fn repair(&self, name: &LockName) -> Result<bool, BackendError>;

    /// Brings what was answered to where it lasts, for a store that keeps the newest apart, as in a log. A manager that is
    /// [closed](crate::LockManager::close) asks for it. Does nothing unless a store says otherwise.
    ///
    /// # Errors
    /// [`BackendError`]: it is where it was.
    async fn flush(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// A stream of the names that become free, if the store has such a thing. The engine opens one a manager, with its
    /// first waiter, and drops it when nobody has waited for half a minute.
    ///
    /// # Errors
    /// [`BackendError`]: there is no stream now. Waiting goes on by polling, and this is asked again after a while.
    async fn watch(&self) -> Result<Watch, BackendError>;
}

/// A wish for a lease. Repeating it under the same holder id is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireRequest {
    /// The lock.
    pub name: LockName,
    /// The acquisition; fresh for each, kept when it is repeated.
    pub holder: HolderId,
    /// The length of the lease: 1 s to 24 h.
    pub ttl: Duration,
    /// What to tell others.
    pub info: HolderInfo,
}

/// A granted lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Its fencing token.
    pub token: FencingToken,
}

/// The answer to [`Backend::try_acquire`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The lease is the caller's.
    Granted(Grant),
    /// Another has it, or had it so recently that it cannot be taken over yet.
    Held(LockInfo),
}

/// The answer to [`Backend::hand_off`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOff {
    /// The lock went from the one to the other.
    Granted(Grant),
    /// It was not the caller's to pass on, and nothing changed.
    NotHeld,
}

/// The wish to renew one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The lease.
    pub lease: LeaseKey,
    /// How long it shall run from now: 1 s to 24 h.
    pub ttl: Duration,
}

/// What became of one renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewOutcome {
    /// The lease runs for its full ttl again.
    Renewed,
    /// The lease is not the caller's any more.
    NotHeld,
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// The lock is free, or was until the next holder came.
    Released,
    /// The lease was not the caller's any more.
    NotHeld,
}

/// Which locks to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// The beginning of their names; empty for all.
    pub prefix: String,
    /// Only names after this one, for the next page.
    pub after: Option<LockName>,
    /// At most so many.
    pub limit: usize,
}

impl ListQuery {
    /// Whether this lock is asked for, if there were no limit.
    #[must_use]
    pub fn matches(&self, name: &LockName) -> bool {
        name.as_str().starts_with(&self.prefix) && self.after.as_ref().is_none_or(|after| name > after)
    }
}

/// The answer to [`Backend::watch`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Watch {
    /// This store cannot tell, and will not be asked again; waiting is polling.
    Unsupported,
    /// A name each time a lock becomes free. Names that nobody waits for do no harm. When it ends, all who wait ask the
    /// store, and the engine opens another.
    Freed(mpsc::Receiver<LockName>),
}
