//! [`Fence`]: writes to ArangoDB that are carried out only if the lock is still held.

use std::{collections::HashMap, future::Future};

use arangors::{client::ClientExt, transaction::Transaction};
use http::Method;
use serde_json::{Value, json};
use shylock_core::{AsyncLockGuard, BackendError, Error, LockManager, Result};

use crate::{
    ArangoBackend,
    builder::invalid,
    error::RequestError,
    number,
    query::{Queries, Query},
    reply::Call,
    runtime, session,
    text::FENCE,
};

/// Ties writes in the database of the locks to a held lock.
///
/// The only implementation is that of [`AsyncLockGuard`], for guards of locks on an [`ArangoBackend`]; a blocking guard has
/// it by `guard.as_async()`.
///
/// Both forms write to the lock's record, so that of a fenced write and a take-over only one goes through: the other meets
/// a write-write conflict (error 1200), or finds that the lock is another's. That takes one database server which
/// carries out all of it as one transaction: a single server, or a database whose collections are all on one server
/// (`sharding: "single"`). On other clusters parts of a query are committed one by one, and so nothing is
/// promised; compare the [token](AsyncLockGuard::token) in each document there.
pub trait Fence: sealed::Sealed {
    /// Returns the query `aql` with a check of the lock before it, and its bind values: it does nothing if the lock is lost.
    ///
    /// `aql` runs for the one row that a held lock gives, or not at all. Let it `RETURN` what it has written: no row means
    /// that the lock is lost, or that `aql` found nothing to write to.
    ///
    /// The check is a write at the beginning of the query, so that `aql` must not touch the collection of the locks, nor
    /// begin with `WITH`, nor contain a graph traversal or `DOCUMENT()`, which ArangoDB refuses after a write (error 1579):
    /// [`fence`](Self::fence) a transaction for these. The names of what is added begin with `shylock`; no bind value of
    /// yours may. The query reads the clock each time: run it without `usePlanCache`, which the server refuses (error
    /// 1584), as a kept plan keeps the time at which it was made.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an `aql` that is empty or begins with `WITH`, and for `binds` with such a name;
    /// [`Error::Lost`] if that is known without asking the server; [`Error::Backend`], `retryable: false`, if the lock is on
    /// another store.
    ///
    /// # Examples
    /// ```no_run
    /// # use std::collections::HashMap;
    /// # use shylock_arango::{AsyncLockGuard, Fence, arangors::{Database, client::ClientExt}};
    /// # use serde_json::{Value, json};
    /// # async fn example<C: ClientExt + Send>(database: Database<C>, guard: AsyncLockGuard) -> Result<(), Box<dyn std::error::Error>> {
    /// let aql = "FOR i IN invoices FILTER i._key == @key UPDATE i WITH { paid: true } IN invoices RETURN NEW._key";
    /// let (aql, binds) = guard.fenced_aql(aql, HashMap::from([("key", json!("42"))]))?;
    /// let paid: Vec<Value> = database.aql_bind_vars(&aql, binds).await?;
    /// assert!(!paid.is_empty(), "the lock is lost, or there is no such invoice");
    /// # Ok(()) }
    /// ```
    fn fenced_aql<'a>(&self, aql: &str, binds: HashMap<&'a str, Value>) -> Result<(String, HashMap<&'a str, Value>)>;

    /// Writes to the lock's record within a stream transaction, so that it commits only if this holder still has the lock.
    /// If not, or if anything else is wrong, the transaction is **aborted**.
    ///
    /// The server aborts a transaction that is idle for 60 s (`--transaction.streaming-idle-timeout`), and lets a request
    /// wait for up to 8 s for another one of the same transaction (`--transaction.streaming-lock-timeout`; error 28 then):
    /// send its requests one after the other.
    ///
    /// Acquire the lock, then begin the transaction, with the collection of the locks (`shylock_locks` unless told
    /// otherwise) among those that it writes to; fence first, and commit within a third of the ttl: nobody can renew, take
    /// over or release the lock before the transaction has ended. A renewal between its beginning and its fence makes the
    /// fence fail; a lease whose renewal is due is renewed by the fence, which then fails: begin a new transaction.
    /// It takes the manager's call time-out and that of a request at most, and twice the former more where it fails.
    ///
    /// # Cancel safety
    /// **Not** cancel safe: if the future is dropped, abort the transaction; nobody knows whether it is fenced.
    ///
    /// # Errors
    /// [`Error::Lost`]. [`Error::Backend`], `retryable: true`: a new transaction may succeed, as this one was in conflict with
    /// another or began before the lock was acquired; `retryable: false`: the lock is on another store, or the server
    /// refuses.
    fn fence<C: ClientExt + Send + Sync>(
        &self,
        transaction: &Transaction<C>,
    ) -> impl Future<Output = Result<()>> + Send;
}

impl Fence for AsyncLockGuard {
    fn fenced_aql<'a>(
        &self,
        aql: &str,
        mut binds: HashMap<&'a str, Value>,
    ) -> Result<(String, HashMap<&'a str, Value>)> {
        check_text(aql)?;
        check_binds(binds.keys())?;
        let manager = self.manager();
        let backend = backend(&manager)?;
        self.ensure_held()?;
        binds.extend(Queries::fence_binds(&backend.settings().collection, self.key()));
        Ok(([FENCE.aql, aql].concat(), binds))
    }

    async fn fence<C: ClientExt + Send + Sync>(&self, transaction: &Transaction<C>) -> Result<()> {
        runtime::timed().map_err(RequestError::of_read)?;
        let seen = touch(self, transaction).await;
        if matches!(seen, Ok(true)) {
            return Ok(());
        }
        // It fails if there is nothing to abort any more.
        drop(tokio::time::timeout(self.manager().call_timeout(), transaction.abort()).await);
        seen?;
        // Now that nothing of ours is in the way of it: is it the lock that is gone, or the view that is old?
        self.renew().await?;
        let old = "the transaction does not see the lock: it began before the lock was acquired; begin a new one";
        Err(BackendError::not_applied(old, None).into())
    }
}

/// Refuses what cannot follow the check.
fn check_text(aql: &str) -> Result<()> {
    let text = without_blanks(aql);
    if text.is_empty() {
        return Err(invalid("aql", "there is no query in it"));
    }
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if word.eq_ignore_ascii_case("WITH") {
        let reason = "it begins with `WITH`, which cannot follow the check of the lock; leave it out, or fence a \
                      transaction if it is for a graph traversal";
        return Err(invalid("aql", reason));
    }
    Ok(())
}

/// The text from its first word on: without white space and comments.
fn without_blanks(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let rest = if let Some(comment) = text.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = text.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return text;
        };
        text = rest;
    }
}

fn check_binds<'a>(mut names: impl Iterator<Item = &'a &'a str>) -> Result<()> {
    match names.find(|name| name.trim_start_matches('@').starts_with("shylock")) {
        Some(name) => Err(invalid("binds", format!("`{name}` begins with `shylock`, as the values of the check do"))),
        None => Ok(()),
    }
}

fn backend(manager: &LockManager) -> Result<&ArangoBackend> {
    let other = "the lock is not on ArangoDB: a write can be fenced by a lock of an `ArangoBackend` only";
    Ok(manager.backend().ok_or_else(|| BackendError::permanent(other))?)
}

/// Whether the transaction sees the lock, and has written to its record.
async fn touch<C: ClientExt + Send + Sync>(guard: &AsyncLockGuard, transaction: &Transaction<C>) -> Result<bool> {
    let manager = guard.manager();
    let settings = backend(&manager)?.settings();
    // Transactions that follow each other closely would leave no room for renewals. One that fails is no loss.
    if let Err(error @ Error::Lost { .. }) = guard.renew_if_due().await {
        return Err(error);
    }
    let Query { text, binds, .. } = Queries::fence(&settings.collection, guard.key());
    let body = json!({ "query": text.aql, "bindVars": binds });
    let path = [transaction.url().path(), "_api/cursor"].concat();
    let call = Call { method: Method::POST, path, body: body.to_string() };
    let client = transaction.session();
    let reply = session::send(&*client, transaction.url(), &call, settings.limits.request, settings.limits.reply).await;
    let written = reply.and_then(|reply| {
        let count = number::whole(&reply.read()?["extra"]["stats"]["writesExecuted"]);
        count.ok_or(RequestError::Unreadable { status: reply.status, what: "JSON without a count of writes" })
    });
    Ok(written.map_err(RequestError::of_write)? > 0)
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for shylock_core::AsyncLockGuard {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Result<T>, of: &str) -> Option<String> {
        match result {
            Ok(_) => None,
            Err(Error::InvalidOption { option, reason }) if option == of => Some(reason),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_text_that_cannot_follow_the_check_is_refused() {
        for text in ["WITH a FOR", "with a FOR", " \n// x\n /* WITH */ With\n`a` FOR", "WITH/**/a", "//x\r\nWITH @@a"] {
            assert!(reason(check_text(text), "aql").is_some_and(|reason| reason.contains("`WITH`")), "{text}");
        }
        for text in ["", " ", "// all of it", "/* open", "/**/ // x"] {
            assert!(reason(check_text(text), "aql").is_some_and(|reason| reason.contains("no query")), "{text}");
        }
        for text in ["FOR i IN a UPDATE i WITH {} IN a", "// WITH a\nRETURN 1", "RETURN 'WITH'", "WITHIN(a)", "/ WITH"]
        {
            assert_eq!(reason(check_text(text), "aql"), None, "{text}");
        }
    }

    #[test]
    fn names_of_the_check_are_not_a_users() {
        for (name, is_fine) in
            [("key", true), ("@c", true), ("myshylock", true), ("shylockKey", false), ("@shylockX", false)]
        {
            assert_eq!(reason(check_binds([name].iter()), "binds").is_none(), is_fine, "{name}");
        }
    }
}
