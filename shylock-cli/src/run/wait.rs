//! Waiting: for the store, and then for the lock.

use std::time::{Duration, Instant};

use shylock_core::{AsyncLock, AsyncLockGuard, Error, HolderInfo, LockManager};
use tokio::time::timeout;

use super::{progress, signals::Signals};
use crate::{
    arguments::Run,
    failure::{self, Failure},
    output::plain,
    store::{self, Store},
};

/// How long a store may be out of reach where there is no limit: as long as an acquisition puts up with an outage.
const OUTAGE: Duration = Duration::from_secs(60);
/// How long the end waits for what was asked for to be withdrawn.
const CLOSING: Duration = Duration::from_secs(2);

/// How long to wait for the lock.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    Not,
    Until(Instant, Duration),
    Never,
}

impl Limit {
    pub(super) fn of(options: &Run) -> Self {
        match options.wait {
            Some(Duration::ZERO) => Self::Not,
            _ if options.no_wait => Self::Not,
            Some(limit) => Instant::now().checked_add(limit).map_or(Self::Never, |end| Self::Until(end, limit)),
            None => Self::Never,
        }
    }

    pub(super) const fn is_waiting(self) -> bool {
        !matches!(self, Self::Not)
    }
}

pub(super) async fn open(
    options: &Run,
    named: Option<&str>,
    limit: Limit,
    signals: &mut Signals,
) -> Result<Store, Failure> {
    let patience = match limit {
        Limit::Not => store::ONE_CALL,
        Limit::Until(_, limit) => limit,
        Limit::Never => OUTAGE,
    };
    tokio::select! {
        biased;
        opened = store::open_within(patience, named) => opened,
        signal = signals.next_request() => Err(Failure::interrupted(signal as i32)),
        () = progress::show_opening(&options.name) => unreachable!("it is shown for as long as it takes"),
    }
}

pub(super) async fn acquire(
    lock: &AsyncLock,
    options: &Run,
    limit: Limit,
    store: &str,
    signals: &mut Signals,
) -> Result<AsyncLockGuard, Failure> {
    let manager = lock.manager()?;
    let interrupted = tokio::select! {
        biased;
        outcome = attempt(lock, &manager, limit) => return outcome.map_err(|error| failure(error, options, limit, store)),
        signal = signals.next_request() => Failure::interrupted(signal as i32),
        () = progress::show(&manager, &options.name) => unreachable!("it is shown for as long as it takes"),
    };
    drop(timeout(CLOSING, manager.close()).await);
    Err(interrupted)
}

async fn attempt(lock: &AsyncLock, manager: &LockManager, limit: Limit) -> Result<AsyncLockGuard, Error> {
    match limit {
        Limit::Never => lock.acquire().await,
        Limit::Until(end, _) if end > Instant::now() => {
            lock.acquire_timeout(end.saturating_duration_since(Instant::now())).await
        }
        Limit::Not | Limit::Until(..) => match lock.try_acquire().await? {
            Some(guard) => Ok(guard),
            None => Err(Error::Timeout { waited: Duration::ZERO, holder: holder(lock, manager).await }),
        },
    }
}

/// Who holds it, if anybody is to be told.
async fn holder(lock: &AsyncLock, manager: &LockManager) -> Option<HolderInfo> {
    if !failure::is_conflict_shown() {
        return None;
    }
    manager.inspect(lock.name()).await.ok()?.map(|info| info.holder_info())
}

fn failure(error: Error, options: &Run, limit: Limit, store: &str) -> Failure {
    match error {
        Error::Timeout { holder, .. } => {
            let by = holder.map_or_else(|| "another".to_owned(), |holder| plain(&holder.to_string()));
            let name = plain(&options.name);
            let code = options.conflict_exit_code;
            match limit {
                Limit::Until(_, waited) => {
                    let waited = humantime::format_duration(waited);
                    Failure::waited_in_vain(code, format!("{name} is still held by {by}, after {waited}"))
                }
                Limit::Not | Limit::Never => Failure::conflict(code, format!("{name} is held by {by}")),
            }
        }
        error => Failure::from(error).about(store),
    }
}
