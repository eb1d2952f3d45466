//! Addresses of ArangoDB: nothing panics, no error repeats what may be a password, and no path leaves its prefix.

use shylock_core::Result;

use super::{
    mongo_uris::address,
    secret::{assert_kept, told},
};

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_arango::fuzzing::uri, shylock_arango::fuzzing::at);
}

fn check(data: &[u8], parse: impl Fn(&str) -> Result<String>, at: impl Fn(&str, &str) -> Option<String>) {
    let address = address(data);
    let url = match parse(&address) {
        Ok(url) => url,
        Err(error) => return assert_kept(&told(&error)),
    };
    assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
    let (_, after) = url.split_once("://").expect("it has a scheme");
    assert!(!after.contains(['@', '?', '#']), "{url}");
    // The paths of ours, and what a name of a database could make of them if nobody escaped it.
    let tail: String = address.chars().filter(|c| !c.is_control()).collect();
    for path in ["/_api/cursor".to_owned(), format!("/_db/{tail}/_api/cursor")] {
        let Some(whole) = at(&url, &path) else { continue };
        let prefix = url.trim_end_matches('/');
        let rest = whole.strip_prefix(prefix).unwrap_or_else(|| panic!("{whole} has left {prefix}"));
        let rest = rest.split('?').next().unwrap_or_default();
        assert_eq!(rest, path.split('?').next().unwrap_or_default(), "the path is another one");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    #[test]
    fn a_path_that_leaves_its_prefix_is_found() {
        let resolving =
            |endpoint: &str, path: &str| Some(format!("{endpoint}{path}").replace("//_", "/_").replace("/_db/..", ""));
        let broken = |data: &[u8]| check(data, shylock_arango::fuzzing::uri, resolving);
        hunt(&broken, &corpus("arango_uris"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn an_address_with_a_user_that_is_taken_is_found() {
        let lax = |address: &str| shylock_arango::fuzzing::uri(address).or_else(|_| Ok(address.to_owned()));
        let broken = |data: &[u8]| check(data, lax, shylock_arango::fuzzing::at);
        hunt(&broken, &corpus("arango_uris"), 1, 20_000).expect_err("it is found");
    }
}
