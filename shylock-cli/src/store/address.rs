//! [`Address`]: what `--store` says. It may carry a password: no error quotes it, and nothing prints it but
//! [`Address::shown`], which leaves the password out.

use std::{fmt, path::PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::failure::Failure;

/// The database of a MongoDB address that names none.
const MONGO_DATABASE: &str = "shylock";
/// The database of an ArangoDB address that names none: each server has it.
const ARANGO_DATABASE: &str = "_system";

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Sqlite { path: PathBuf },
    Mongo { uri: String, database: String },
    Arango { endpoint: String, database: String, login: Option<(String, String)> },
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite(path),
            Some(("mongodb" | "mongodb+srv", _)) => mongo(text),
            Some(("arangodb", _)) => arango("http", text),
            Some(("arangodb+tls", _)) => arango("https", text),
            _ => Err("it must begin with sqlite:, mongodb://, mongodb+srv://, arangodb:// or arangodb+tls://"),
        }
        .map_err(|reason| Failure::usage(format!("the address of the store is wrong: {reason}")))
    }

    /// For people: without a password, and without the options of an address.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Sqlite { path } => format!("sqlite:{}", path.display()),
            Self::Mongo { uri, database } => {
                let scheme = uri.split_once("://").map_or("mongodb", |(scheme, _)| scheme);
                format!("{scheme}://{}/{database}", hosts(uri))
            }
            Self::Arango { endpoint, database, .. } => format!("{endpoint}, database {database}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// What lies between the user and the path.
fn hosts(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts)
}

fn sqlite(path: &str) -> Result<Address, &'static str> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err("it has no path: sqlite:/var/lib/shylock/locks.sqlite");
    }
    let path = PathBuf::from(path);
    if path.is_relative() {
        return Err(
            "its path must begin with a slash, or each folder would have locks of its own: sqlite:/var/lib/shylock/locks.sqlite",
        );
    }
    Ok(Address::Sqlite { path })
}

fn mongo(text: &str) -> Result<Address, &'static str> {
    let rest = after_scheme(text)?;
    let path = rest.split('?').next().unwrap_or_default().split_once('/').map_or("", |(_, path)| path);
    let database = match decoded(path)? {
        name if name.is_empty() => MONGO_DATABASE.to_owned(),
        name if name.contains(['/', '\\', '.', '"', '$', ' ']) => {
            return Err("its path is no name of a database: MongoDB allows none of /\\. \"$ in it");
        }
        name => name,
    };
    Ok(Address::Mongo { uri: text.to_owned(), database })
}

fn arango(scheme: &str, text: &str) -> Result<Address, &'static str> {
    after_scheme(text)?;
    let url = Url::parse(text).map_err(|_| "it is no URL: look at its host and its port")?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it has no host")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or a fragment");
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
    };
    let database = match url.path().trim_matches('/') {
        "" => ARANGO_DATABASE.to_owned(),
        path if path.contains('/') => return Err("its path is more than the name of a database"),
        path => decoded(path)?,
    };
    let endpoint = format!("{scheme}://{host}:{}", url.port().unwrap_or(8529));
    Ok(Address::Arango { endpoint, database, login })
}

/// What follows the scheme, if no part of a password would be taken for a host, a path or an option.
fn after_scheme(text: &str) -> Result<&str, &'static str> {
    let (_, rest) = text.split_once("://").ok_or("`//` is missing after its scheme")?;
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, options) = behind.split_once('?').unwrap_or((behind, ""));
    let has_user = authority.contains('@');
    let cut = options.contains('@') && !((has_user || !path.is_empty()) && are_options(authority, options));
    if authority.matches('@').count() > 1 || path.contains('@') || cut {
        return Err("percent-encode `/`, `?`, `#` and `@` in the user and the password");
    }
    Ok(rest)
}

/// Whether this looks like hosts and options, and not like a password that was cut in two. An option may have an `@` in its
/// value, such as `appName=@account@`.
fn are_options(authority: &str, options: &str) -> bool {
    let is_host = |host: &str| match host.rsplit_once(':') {
        Some((_, port)) if !host.ends_with(']') => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
        _ => !host.is_empty(),
    };
    let is_option = |option: &str| {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        option.is_empty() || (is_key && !value.contains(['?', '/']))
    };
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    hosts.split(',').all(is_host) && options.split(['&', ';']).all(is_option)
}

/// Without `%20` and the like.
fn decoded(part: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| "a part of it is no text")?;
    if text.chars().any(char::is_control) {
        return Err("there is a control character in it");
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arango(endpoint: &str, database: &str, login: Option<(&str, &str)>) -> Address {
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Address::Arango { endpoint: endpoint.into(), database: database.into(), login }
    }

    #[test]
    fn addresses_are_read() {
        let sqlite = |path: &str| Address::Sqlite { path: path.into() };
        let mongo = |uri: &str, database: &str| Address::Mongo { uri: uri.into(), database: database.into() };
        for (text, want) in [
            ("sqlite:/a/b.sqlite", sqlite("/a/b.sqlite")),
            ("sqlite:///a/b.sqlite", sqlite("/a/b.sqlite")),
            ("mongodb://h/d", mongo("mongodb://h/d", "d")),
            ("mongodb://h", mongo("mongodb://h", "shylock")),
            ("mongodb://u:p@h1,h2:3/?tls=true", mongo("mongodb://u:p@h1,h2:3/?tls=true", "shylock")),
            ("mongodb+srv://h/d?a=b/c", mongo("mongodb+srv://h/d?a=b/c", "d")),
            ("mongodb://h/a%2Db", mongo("mongodb://h/a%2Db", "a-b")),
            ("mongodb://h/%C3%BC?x=%2D", mongo("mongodb://h/%C3%BC?x=%2D", "ü")),
            ("mongodb://u:p@h:1/d?appName=@a@", mongo("mongodb://u:p@h:1/d?appName=@a@", "d")),
            ("mongodb://u:p@h:1/?ssl=true&appName=@a@", mongo("mongodb://u:p@h:1/?ssl=true&appName=@a@", "shylock")),
            (
                "mongodb://h,[::1]:2/?tlsCertificateKeyFilePassword=p@ss",
                mongo("mongodb://h,[::1]:2/?tlsCertificateKeyFilePassword=p@ss", "shylock"),
            ),
            ("arangodb://h", arango("http://h:8529", "_system", None)),
            ("arangodb://[::1]:80/", arango("http://[::1]:80", "_system", None)),
            ("arangodb://root:@h:1/d", arango("http://h:1", "d", Some(("root", "")))),
            ("arangodb+tls://u%40x:p%2Fw+&=@h/d", arango("https://h:8529", "d", Some(("u@x", "p/w+&=")))),
        ] {
            assert_eq!(Address::parse(text).ok(), Some(want), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        for text in [
            "",
            "hidden",
            "http://u:hidden@h",
            "sqlite:",
            "sqlite:hidden.sqlite",
            "sqlite://hidden.sqlite",
            "mongodb:u:hidden@h",
            "arangodb:u:hidden@h",
            "arangodb://u:hidden@h:hidden",
            "arangodb://u:hidden@h/d/e",
            "mongodb://u:hid/hidden@h/d",
            "mongodb://u:hid?hidden@h",
            "mongodb://u:hid@hidden@h",
            "mongodb://u:hid?a=hidden@h",
            "mongodb://u:12?hidden@h",
            "mongodb://u:12?a=hidden@h",
            "mongodb://u:hid/?a=hidden@h/d",
            "mongodb://u:hidden@h/d@e",
            "mongodb://u:hidden@h/a.b",
            "mongodb://u:hidden@h/a%20b",
            "mongodb://u:hidden@h/a%2Fb",
            "mongodb://u:hidden@h/a%1Bb",
            "mongodb://u:hidden@h/%FF",
            "arangodb://u:hidden@h/d?appName=@a@",
            "arangodb://root:123/hidden@h",
            "arangodb://root:1#hidden@h",
            "arangodb://u:hidden@h/d?x=1",
            "postgres://u:hidden@h",
        ] {
            let failure = format!("{:?}", Address::parse(text).expect_err(text));
            assert!(failure.contains("address of the store") && !failure.contains("hidden"), "{text}: {failure}");
        }
        for text in ["mongodb://u:hidden@h/d", "arangodb://u:hidden@h/d"] {
            let shown = Address::parse(text).expect(text).shown();
            assert!(shown.contains('h') && !shown.contains("hidden"), "{shown}");
        }
    }
}
