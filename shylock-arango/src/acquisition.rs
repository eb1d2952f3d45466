//! Trying to acquire a lock: when to look first, whose ended lease to take over, what a conflict means.

use shylock_core::{AcquireRequest, Attempt, BackendError, HolderId, LockInfo};

use crate::{
    database::{Database, is_contention},
    record,
    seen::Seen,
    setup::Ready,
};

/// How often a record is met at the most that has changed meanwhile, before the attempt is left to be repeated.
const TAKES: usize = 3;

/// One attempt. `look` reads the record.
pub(crate) async fn attempt<F>(
    database: &Database,
    ready: &Ready,
    request: &AcquireRequest,
    seen: &Seen,
    look: impl Fn() -> F + Send,
) -> Result<Attempt, BackendError>
where
    F: Future<Output = Result<Option<LockInfo>, BackendError>> + Send,
{
    let AcquireRequest { name, holder, .. } = request;
    let mut dead = None;
    if seen.is_held(name) {
        match next(look().await?, *holder, None) {
            Next::Wait(info) => return Ok(Attempt::Held(info)),
            Next::TakeOver(other) => dead = Some(other),
            Next::Take | Next::Stuck => {}
        }
    }
    for _ in 0..TAKES {
        let rows = match database.run(&ready.queries.take(request, dead)).await {
            Ok(rows) => rows,
            Err(error) if is_contention(&error) => {
                // Others are quicker. If one of them has it by now, that is the answer.
                return match next(look().await?, *holder, None) {
                    Next::Wait(info) => Ok(Attempt::Held(info)),
                    _ => Err(ready.of_write(error)),
                };
            }
            Err(error) => return Err(ready.of_write(error)),
        };
        let Some(row) = rows.first() else {
            return Err(BackendError::ambiguous("the server answers without a record"));
        };
        let record = record::read(name, row, ready.queries.skew)?;
        if let Some(grant) = record.as_ref().and_then(|info| info.grant_of(*holder)) {
            return Ok(Attempt::Granted(grant));
        }
        match next(record, *holder, dead) {
            // A lease of its own that has just ended is waited for like anybody's.
            Next::Wait(info) => return Ok(Attempt::Held(info)),
            Next::TakeOver(other) => dead = Some(other),
            // The query decided by an older state of the record than the one it answers.
            Next::Take | Next::Stuck => {}
        }
    }
    Err(BackendError::not_applied("the lock changed with each attempt", None))
}

/// What a record asks for.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// It is free, or may be the caller's own.
    Take,
    /// It is another's.
    Wait(LockInfo),
    /// The lease of this holder has ended, and nobody knew that yet.
    TakeOver(HolderId),
    /// The lease has ended, and was not taken over though it could be.
    Stuck,
}

/// `dead` is the holder whose ended lease the last query could have taken over.
fn next(record: Option<LockInfo>, holder: HolderId, dead: Option<HolderId>) -> Next {
    match record {
        None => Next::Take,
        Some(info) if info.takeover_in.is_zero() && dead == Some(info.holder) => Next::Stuck,
        Some(info) if info.takeover_in.is_zero() => Next::TakeOver(info.holder),
        Some(info) if info.grant_of(holder).is_some() => Next::Take,
        Some(info) => Next::Wait(info),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use shylock_core::{FencingToken, LockName};

    use super::*;

    const fn id(byte: u8) -> HolderId {
        HolderId::from_bytes([byte; 16])
    }

    fn held(by: u8, remaining: u64, takeover_in: u64) -> LockInfo {
        LockInfo {
            name: LockName::new("a").expect("a valid name"),
            holder: id(by),
            token: FencingToken::new(1).expect("a token"),
            host: None,
            pid: None,
            note: None,
            acquired: SystemTime::UNIX_EPOCH,
            remaining: Duration::from_millis(remaining),
            takeover_in: Duration::from_millis(takeover_in),
        }
    }

    #[test]
    fn records_ask_for_what_they_are() {
        let next = |info: &LockInfo, dead| next(Some(info.clone()), id(1), dead);
        assert_eq!(super::next(None, id(1), None), Next::Take);
        let (live, ended, over) = (held(2, 10, 510), held(2, 0, 500), held(2, 0, 0));
        assert_eq!(next(&live, None), Next::Wait(live.clone()));
        assert_eq!(next(&ended, None), Next::Wait(ended.clone()), "the skew allowance is not over");
        assert_eq!(next(&over, None), Next::TakeOver(id(2)));
        assert_eq!(next(&over, Some(id(3))), Next::TakeOver(id(2)));
        assert_eq!(next(&over, Some(id(2))), Next::Stuck);
        let (mine, mine_ended, mine_over) = (held(1, 10, 510), held(1, 0, 500), held(1, 0, 0));
        assert_eq!(next(&mine, None), Next::Take, "the request is repeated to recognise its grant");
        assert_eq!(next(&mine_ended, None), Next::Wait(mine_ended.clone()), "no revival");
        assert_eq!(next(&mine_over, None), Next::TakeOver(id(1)), "with a new token");
    }
}
