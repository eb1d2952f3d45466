//! What any store has to do: it is tried out, with a lock of a name that nobody uses.

use std::{sync::Arc, time::Instant};

use shylock_core::{Backend, Error, LockManager, Result, Watch};

use super::check::{Check, State};
use crate::{
    failure::{Failure, chain},
    store,
};

pub(super) async fn checks(told: Option<&str>) -> Vec<Check> {
    let since = Instant::now();
    let store = match store::open(told).await {
        Ok(store) => store,
        Err(failure) => return vec![unreachable(&failure)],
    };
    let reached = Check::good(
        "reachable",
        format!("within {} ms, and what the locks are kept in is in order", since.elapsed().as_millis()),
    );
    vec![reached, rights(&store.backend).await, waiting(&*store.backend).await]
}

fn unreachable(failure: &Failure) -> Check {
    Check::new("reachable", State::Wrong, failure.message())
        .hint("is the address right, does the server run, and may this host and user reach it?")
}

/// Takes a lock, renews it, looks at it, lists it and releases it.
async fn rights(backend: &Arc<dyn Backend>) -> Check {
    const NAME: &str = "rights";
    let since = Instant::now();
    match try_out(LockManager::from(Arc::clone(backend))).await {
        Ok(()) => Check::good(
            NAME,
            format!("a lock was taken, renewed, listed and released in {} ms", since.elapsed().as_millis()),
        ),
        Err(error) => Check::new(NAME, State::Wrong, chain(&error))
            .hint("the README of the store's crate tells which rights are needed"),
    }
}

async fn try_out(manager: LockManager) -> Result<()> {
    let name = name();
    let Some(guard) = manager.lock(&name).with_note("shylock doctor").try_acquire().await? else {
        return Err(Error::Timeout { waited: std::time::Duration::ZERO, holder: None });
    };
    guard.renew().await?;
    let listed = manager.list(&name).await?;
    manager.inspect(&name).await?;
    guard.release().await?;
    let missing =
        || Error::InvalidOption { option: "store", reason: "it does not list a lock that it has granted".into() };
    if listed.len() == 1 { Ok(()) } else { Err(missing()) }
}

fn name() -> String {
    format!("shylock-doctor-{:016x}", getrandom::u64().unwrap_or_else(|_| std::process::id().into()))
}

async fn waiting(backend: &dyn Backend) -> Check {
    const NAME: &str = "waiting";
    match backend.watch().await {
        Ok(Watch::Freed(_)) => Check::good(NAME, "who waits is told when a lock comes free"),
        Ok(_) => Check::new(
            NAME,
            State::Weak,
            "who waits has to ask again, each second at the latest, as this store tells nobody",
        ),
        Err(error) => Check::new(NAME, State::Weak, format!("who waits has to ask again: {}", chain(&error)))
            .hint("on MongoDB it takes a replica set and the right `changeStream`"),
    }
}
