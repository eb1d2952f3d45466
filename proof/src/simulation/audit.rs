//! What a store must never do, judged by each write of its log. It looks at the simulated store, not at the engine: a
//! simulation over a store that breaks its contract would prove nothing.

use super::record::Record;

/// What is wrong with a write at this time of the server's clock, if anything is.
pub(super) fn audit(
    before: Option<&Record>,
    after: Option<&Record>,
    now: u64,
    grace: u64,
    handed: bool,
) -> Option<String> {
    let Some(after) = after else { return Some("a record is removed".to_owned()) };
    let before = before?;
    let wrong = if after.token < before.token {
        "the token falls"
    } else if after.token > before.token {
        let may = before.freed || handed || before.ends + grace <= now;
        if may {
            return None;
        }
        "a live lease is taken"
    } else if after.holder != before.holder {
        "a token has two holders"
    } else if !after.freed && (before.freed || (before.ends <= now && after.ends > before.ends)) {
        "a lease is revived"
    } else if !after.freed && after.ends < before.ends {
        "a lease is shortened"
    } else {
        return None;
    };
    Some(format!("{wrong} at {now}: {before:?} became {after:?}"))
}

#[cfg(test)]
mod tests {
    use shylock_core::{HolderId, HolderInfo};

    use super::*;

    fn record(token: u64, ends: u64, freed: bool) -> Record {
        let holder = HolderId::from_bytes([1; 16]);
        Record { token, holder, info: HolderInfo::default(), acquired: 0, ends, freed }
    }

    fn wrong(before: &Record, after: &Record, now: u64) -> bool {
        audit(Some(before), Some(after), now, 10, false).is_some()
    }

    #[test]
    fn each_rule_has_a_write_that_breaks_it() {
        let (live, freed) = (record(5, 100, false), record(5, 100, true));
        assert!(wrong(&live, &record(4, 200, false), 300), "the token falls");
        assert!(wrong(&live, &record(6, 200, false), 109), "taken before the grace is over");
        assert!(wrong(&freed, &live, 50), "freed and held again");
        assert!(wrong(&live, &record(5, 200, false), 100), "ended and renewed");
        assert!(wrong(&live, &record(5, 90, false), 50), "shortened");
        assert!(wrong(&live, &Record { holder: HolderId::from_bytes([2; 16]), ..live.clone() }, 50), "two holders");
        assert!(audit(Some(&live), None, 500, 10, false).is_some(), "removed");
    }

    #[test]
    fn what_may_be_written_is_not_wrong() {
        let (live, freed) = (record(5, 100, false), record(5, 100, true));
        assert!(!wrong(&live, &record(6, 200, false), 110), "taken over");
        assert!(!wrong(&freed, &record(6, 200, false), 50), "granted when free");
        assert!(!wrong(&live, &record(5, 150, false), 50), "renewed");
        assert!(!wrong(&live, &freed, 150), "released after its end");
        assert!(audit(Some(&live), Some(&record(6, 150, false)), 50, 10, true).is_none(), "handed over");
        assert!(audit(None, Some(&live), 50, 10, false).is_none(), "the first");
    }
}
