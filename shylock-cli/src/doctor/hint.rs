//! Hints for errors whose cause is known by their text: stores and drivers have no common type for it.

const RIGHTS: &str = "the README of the store's crate lists the rights that are needed";
const LOGIN: &str = "are the user, the password and the database of the user (`authSource` on MongoDB) right?";
pub(super) const ADDRESS: &str = "is the address right, does the server run, and may this host reach it?";

/// What may help with that error.
pub(super) fn for_error(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["cannot hold locks"]) {
        None
    } else if has(&["authentication failed", "bad auth", "authentication error", "code 18", "not authenticated", "401"])
    {
        Some(LOGIN)
    } else if has(&["not authorized", "unauthorized", "not allowed", "permission", "forbidden", "may not be", "403"]) {
        Some(RIGHTS)
    } else if has(&[
        "connection refused",
        "connection reset",
        "connection closed",
        "server selection",
        "no server",
        "no primary",
        "timed out",
        "timeout",
        "no answer",
        "unreachable",
        "dns",
        "lookup",
        "name or service",
        "error sending request",
    ]) {
        Some(ADDRESS)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_about_the_error() {
        for (error, hint) in [
            ("not authorized on locks to execute the command `find`", Some(RIGHTS)),
            ("error 8000: user is not allowed to do action [find]", Some(RIGHTS)),
            ("/var/lib/x: Permission denied (os error 13)", Some(RIGHTS)),
            ("SCRAM failure: Authentication failed.", Some(LOGIN)),
            ("Connection refused (os error 111)", Some(ADDRESS)),
            ("no server can be reached: db1:27017 is not yet known", Some(ADDRESS)),
            ("failed to lookup address information: Name or service not known", Some(ADDRESS)),
            ("no answer within 5s", Some(ADDRESS)),
            ("FerretDB 1.24.0 cannot hold locks: it lacks what the connection refused", None),
            ("the lock store refused the request: error 9: Failed to parse update", None),
            ("the record of lock \"x\" is corrupt: its token is no number", None),
            ("invalid option `uri`: it has no host", None),
        ] {
            assert_eq!(for_error(error), hint, "{error}");
        }
    }
}
