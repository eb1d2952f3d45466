//! [`Fence`]: a MongoDB transaction that commits only if the lock is still held.

use std::future::{Future, IntoFuture};

use mongodb::{
    ClientSession,
    bson::{Document, doc},
    error::{Error as DriverError, ErrorKind},
};
use shylock_core::{AsyncLockGuard, Error};

use crate::{MongoBackend, MongoError, condition, error, runtime, runtime::within};

/// Ties a MongoDB transaction to a held lock.
///
/// The only implementation is that of [`AsyncLockGuard`], for guards of locks on a [`MongoBackend`]. For a blocking guard:
/// `block_on(guard.as_async().fence(&mut session))`.
pub trait Fence: sealed::Sealed {
    /// Writes to the lock's record within the session's transaction, so that the transaction commits only if this holder
    /// still has the lock.
    ///
    /// If the lock is lost, or anything else is wrong, the transaction is **aborted**: a commit after it fails. If it
    /// succeeds, nobody can take the lock over, break or release it before the transaction has ended, not even when the
    /// lease ends meanwhile: whoever tries waits on the server. The other way round, a transaction that fences itself after
    /// another has taken over fails.
    ///
    /// Acquire the lock before the transaction begins, fence first, and commit within a third of the ttl:
    ///
    /// - What the transaction read before the lock was acquired may be what the former holder has changed since. So a
    ///   transaction that began before is refused, with [`FenceError::NotSeen`].
    /// - Renewals write to the same record. One that comes after the fence waits on the server for the transaction's end;
    ///   transactions of a third of the ttl cost no lease, even if they follow each other without a pause, since the fence
    ///   renews one that is due, and leases that were never fenced are renewed apart from those that were.
    /// - A renewal that comes between the transaction's first statement and its fence, or meets the fence itself, makes the
    ///   fence fail with the label `TransientTransactionError`. Begin the transaction anew, as after any conflict in
    ///   MongoDB; the driver's [`and_run2`](mongodb::action::StartTransaction::and_run2) does.
    /// - Release the lock after the commit: a release waits for the transaction's end, and one that is awaited before it
    ///   waits in vain, for the manager's call time-out.
    ///
    /// Fence a transaction once, and have one fenced transaction of a guard at a time: two meet in the lock's record, and the
    /// server lets only one of them go on. A fence takes twice the manager's call time-out at most, four times where it
    /// fails.
    ///
    /// The session may be of any client of the same deployment. The user of that client needs the rights `find` and
    /// `update` on the collection of the locks.
    ///
    /// # Cancel safety
    /// **Not** cancel safe: if the future is dropped, abort the transaction; nobody knows whether it is fenced.
    ///
    /// # Errors
    /// [`FenceError`]; outside of a tokio runtime with timers, one that says so. By `?` it turns into the driver's error,
    /// labels included, so that the driver's own retries work in
    /// [`and_run2`](mongodb::action::StartTransaction::and_run2), and into [`Error`] as well.
    ///
    /// # Examples
    /// ```no_run
    /// # use shylock_mongo::{AsyncLockGuard, Fence, mongodb::{self, Client, bson::{Document, doc}}};
    /// # async fn example(client: Client, guard: AsyncLockGuard) -> mongodb::error::Result<()> {
    /// let invoices = client.database("projectdb").collection::<Document>("invoices");
    /// let mut session = client.start_session().await?;
    /// session.start_transaction().await?;
    /// guard.fence(&mut session).await?;
    /// invoices.update_one(doc! { "_id": 42 }, doc! { "$set": { "paid": true } }).session(&mut session).await?;
    /// session.commit_transaction().await?;
    /// # Ok(()) }
    /// ```
    fn fence(&self, session: &mut ClientSession) -> impl Future<Output = Result<(), FenceError>> + Send;
}

/// Why a transaction is not fenced. It is aborted, but for [`NoTransaction`](Self::NoTransaction).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FenceError {
    /// [`Error::Lost`]: the lock is lost. Another: whether it is could not be found out.
    #[error(transparent)]
    Lock(#[from] Error),
    /// The lock is held, but the transaction does not see it: it began before the lock was acquired, or its session is of
    /// a client of another deployment.
    #[error(
        "the transaction does not see the lock: it began before the lock was acquired, or on another deployment; begin a new one"
    )]
    NotSeen,
    /// The session is in no transaction, so that there is nothing to tie to the lock.
    #[error("the session is in no transaction: call `start_transaction` first")]
    NoTransaction,
    /// The guard's lock is on another store than a [`MongoBackend`].
    #[error("the lock is not on MongoDB: a transaction can be fenced by a lock of a `MongoBackend` only")]
    OtherStore,
    /// The transaction failed. With the label `TransientTransactionError`, the whole of it can be repeated.
    #[error("the transaction failed while it was fenced")]
    Driver(#[source] MongoError),
}

impl Fence for AsyncLockGuard {
    async fn fence(&self, session: &mut ClientSession) -> Result<(), FenceError> {
        runtime::entered().map_err(Error::from)?;
        ensure_in_transaction(session).await?;
        let outcome = touch(self, session).await;
        if outcome.is_err() {
            // It fails if there is nothing to abort any more.
            drop(within(self.manager().call_timeout(), session.abort_transaction().into_future()).await);
        }
        if matches!(outcome, Err(FenceError::NotSeen)) {
            // Now that nothing of ours is in the way of it: is it the lock that is gone, or the view that is old?
            self.renew().await?;
        }
        outcome
    }
}

/// The driver tells in no other way whether a session is in a transaction.
async fn ensure_in_transaction(session: &mut ClientSession) -> Result<(), FenceError> {
    match session.start_transaction().await {
        Ok(()) => {
            drop(session.abort_transaction().await);
            Err(FenceError::NoTransaction)
        }
        Err(error) if is_in_transaction(&error) => Ok(()),
        Err(error) => Err(FenceError::Driver(error.into())),
    }
}

fn is_in_transaction(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Transaction { message, .. } if message == "transaction already in progress")
}

async fn touch(guard: &AsyncLockGuard, session: &mut ClientSession) -> Result<(), FenceError> {
    let manager = guard.manager();
    let backend = manager.backend::<MongoBackend>().ok_or(FenceError::OtherStore)?;
    // Transactions that follow each other closely would leave no room for renewals. One that fails is no loss.
    if let Err(error @ Error::Lost { .. }) = guard.renew_if_due().await {
        return Err(error.into());
    }
    let records = session.client().database(backend.database()).collection::<Document>(backend.collection());
    // A write that changes nothing would meet no conflict, and so fence nothing.
    let change = doc! { "$inc": { "fences": 1_i64 } };
    let update = records.update_one(condition::is_live(guard.key()), change).session(session);
    // The driver would wait for ever for an answer that was lost.
    let answer = within(manager.call_timeout(), update.into_future()).await.map_err(Error::from)?;
    let no_answer = || Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
    match answer.unwrap_or_else(no_answer).map_err(|error| FenceError::Driver(error.into()))?.matched_count {
        0 => Err(FenceError::NotSeen),
        _ => Ok(()),
    }
}

impl From<FenceError> for DriverError {
    /// The driver's error as it was, or a [custom](DriverError::custom) one with the [`FenceError`] inside.
    fn from(error: FenceError) -> Self {
        match error {
            FenceError::Driver(error) => error.into_driver(),
            error => Self::custom(error),
        }
    }
}

impl From<FenceError> for Error {
    fn from(error: FenceError) -> Self {
        match error {
            FenceError::Lock(error) => error,
            FenceError::Driver(error) => error::from_driver(error.into_driver()).into(),
            error => Self::Backend { retryable: false, source: error.into() },
        }
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for shylock_core::AsyncLockGuard {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_what_they_know() {
        let lost = || FenceError::Lock(Error::Lost { reason: shylock_core::LossReason::Taken });
        assert!(matches!(Error::from(lost()), Error::Lost { .. }));
        let custom = DriverError::from(lost());
        assert!(matches!(custom.get_custom(), Some(FenceError::Lock(Error::Lost { .. }))));
        let io = || FenceError::Driver(DriverError::from(std::io::Error::other("cut off")).into());
        assert!(matches!(&*DriverError::from(io()).kind, ErrorKind::Io(_)), "the driver's own");
        assert!(matches!(Error::from(io()), Error::Backend { retryable: true, .. }));
        assert!(matches!(Error::from(FenceError::NoTransaction), Error::Backend { retryable: false, .. }));
    }
}
