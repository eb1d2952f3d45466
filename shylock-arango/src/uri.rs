//! The address of an endpoint. Somebody may have put a password into it, so nothing of it is repeated in an error.

use reqwest::Url;
use shylock_core::Result;

use crate::builder::invalid;

/// Parses the address of an endpoint; its path is the prefix of all paths.
pub(crate) fn parse(uri: &str) -> Result<Url> {
    check(uri).map_err(|reason| invalid("uri", reason))
}

/// Where a path is at this endpoint.
pub(crate) fn at(endpoint: &Url, path: &str) -> Option<Url> {
    let prefix = endpoint.path().trim_end_matches('/');
    let mut url = endpoint.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{prefix}{path}"));
    url.set_query(query);
    // `set_path` would resolve `..`, and so leave the prefix or the database.
    (url.path().strip_prefix(prefix) == Some(path)).then_some(url)
}

fn check(uri: &str) -> Result<Url, &'static str> {
    match uri.split_once("://") {
        Some(("http" | "https", _)) => {}
        Some(("tcp" | "http+tcp", _)) => return Err("its scheme is not known here: write `http://`"),
        Some(("ssl" | "http+ssl", _)) => return Err("its scheme is not known here: write `https://`"),
        Some(_) => return Err("its scheme is neither `http` nor `https`"),
        None => return Err("it has no scheme: it must begin with `http://` or `https://`"),
    }
    if uri.contains(char::is_whitespace) {
        return Err("there is white space in it");
    }
    let url = Url::parse(uri).map_err(|_| "it is no URL: look at its host and its port")?;
    // Of `http://root:12/3@host` the URL's host is `root` and its path `/3@host`, where the password would be sent.
    if !url.username().is_empty() || url.password().is_some() || url.path().contains('@') {
        return Err("there are a user or a password in it: pass them as `Credentials`, where they are not printed");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or a fragment: only a path can follow the host");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_and_mistakes_are_named() {
        for good in ["http://localhost:8529", "https://[::1]:8529/", "http://proxy/arango/", "http://10.0.0.1/a/b"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("", "no scheme"),
            ("localhost:8529", "no scheme"),
            ("tcp://localhost:8529", "`http://`"),
            ("ssl://localhost:8529", "`https://`"),
            ("mongodb://localhost", "neither"),
            ("http://", "no URL"),
            ("http:// host", "white space"),
            ("http://host:99999", "no URL"),
            ("http://host/?x=1", "query"),
            ("http://host/#x", "query"),
            ("http://hidden@host", "Credentials"),
            ("http://root:hidden@host:8529", "Credentials"),
            ("http://:hidden@host", "Credentials"),
            ("http://root:hid/den@host", "no URL"),
            ("http://root:12/hidden@host", "Credentials"),
        ] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(error.contains(reason), "{bad}: {error}");
            assert!(!error.contains("hid"), "{error}");
        }
    }

    #[test]
    fn the_prefix_stays() {
        let url = |endpoint: &str, path: &str| at(&check(endpoint).expect("good"), path).map(String::from);
        assert_eq!(url("http://h:1", "/_api/x?a=b").as_deref(), Some("http://h:1/_api/x?a=b"));
        assert_eq!(url("http://h/p/", "/_api/x").as_deref(), Some("http://h/p/_api/x"));
        assert_eq!(url("http://h/p/q", "/_db/a%20b/y").as_deref(), Some("http://h/p/q/_db/a%20b/y"));
        assert_eq!(url("http://h/p", "/_db/../y"), None);
    }
}
