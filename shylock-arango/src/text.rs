//! The AQL texts: all that this crate ever asks a server to run. A caller's value reaches them as a bind value.

/// One text and the name it has in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) name: &'static str,
    pub(crate) aql: &'static str,
    pub(crate) writes: bool,
}

/// Takes a lock that is free, or whose last lease has ended, or prolongs the caller's own; answers the record.
pub(crate) const TAKE: Text = Text { name: "take", aql: include_str!("aql/take.aql"), writes: true };
/// Prolongs those of some leases that are live; answers them.
pub(crate) const RENEW: Text = Text { name: "renew", aql: include_str!("aql/renew.aql"), writes: true };
/// Frees those of some locks that are their leases'; answers these.
pub(crate) const RELEASE: Text = Text { name: "release", aql: include_str!("aql/release.aql"), writes: true };
/// Makes a free lock of a corrupt record that is still the one which was seen; answers nothing otherwise.
pub(crate) const REPAIR: Text = Text { name: "repair", aql: include_str!("aql/repair.aql"), writes: true };
/// Passes a lock on if it is this lease's; answers the new record, or nothing.
pub(crate) const HAND_OFF: Text = Text { name: "hand_off", aql: include_str!("aql/hand_off.aql"), writes: true };
/// The record of a lock. Takes no lock of the server's.
pub(crate) const PEEK: Text = Text { name: "peek", aql: include_str!("aql/peek.aql"), writes: false };
/// The records of live leases, by the bytes of their names.
pub(crate) const LIST: Text = Text { name: "list", aql: include_str!("aql/list.aql"), writes: false };
/// Writes to a lock's record if the lease is live: the beginning of a user's own query, which then runs for its one row
/// or for none, or the whole of one within a user's transaction. Its names are not those of a user.
pub(crate) const FENCE: Text = Text { name: "fence", aql: include_str!("aql/fence.aql"), writes: true };

pub(crate) const ALL: [Text; 8] = [TAKE, RENEW, RELEASE, REPAIR, HAND_OFF, PEEK, LIST, FENCE];

#[cfg(test)]
mod tests {
    use super::*;

    /// Two readings of a clock could disagree within one decision.
    #[test]
    fn each_text_reads_the_clock_once() {
        for text in ALL {
            assert_eq!(text.aql.matches("DATE_NOW()").count(), 1, "{}", text.name);
        }
    }

    #[test]
    fn every_write_is_guarded_by_the_revision_too() {
        for text in ALL {
            let writes = text.aql.matches("UPDATE").count();
            assert_eq!(writes, usize::from(text.writes), "{}", text.name);
            assert_eq!(text.aql.contains("ignoreRevs: false"), text.writes, "{}", text.name);
            assert_eq!(text.aql.contains("_rev:"), text.writes, "{}", text.name);
        }
    }

    /// A grant or a renewal that a power failure undoes would be a second holder's chance; a release would not.
    #[test]
    fn what_a_holder_relies_on_is_on_disk() {
        let synced: Vec<_> = ALL.iter().filter(|text| text.aql.contains("waitForSync: true")).map(|t| t.name).collect();
        assert_eq!(synced, ["take", "renew", "repair", "hand_off"]);
    }

    #[test]
    fn records_survive_their_release() {
        for text in ALL {
            assert!(!text.aql.contains("REMOVE") && !text.aql.contains("REPLACE"), "{}", text.name);
        }
    }
}
