//! The address of a store, as the user gives it.

/// Where a store is. It may hold a password, so it has no `Debug`, and children get it on stdin.
#[derive(Clone)]
pub(crate) enum Address {
    Mongo(String),
    Arango {
        url: String,
        user: String,
        password: String,
    },
    /// The file, which must not be there yet.
    Sqlite(String),
    Memory,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            None if text == "memory" => Ok(Self::Memory),
            Some(("mongodb" | "mongodb+srv", _)) => Ok(Self::Mongo(text.to_owned())),
            Some((scheme @ ("http" | "https"), rest)) => {
                let (login, host) = rest.rsplit_once('@').ok_or("the URL of an ArangoDB needs user:password@")?;
                let (user, password) = login.split_once(':').ok_or("the URL of an ArangoDB needs user:password@")?;
                let url = format!("{scheme}://{}", host.trim_end_matches('/'));
                Ok(Self::Arango { url, user: user.into(), password: password.into() })
            }
            _ => match text.strip_prefix("sqlite:") {
                Some(path) if path.starts_with('/') => Ok(Self::Sqlite(path.to_owned())),
                _ => Err("the URL is none of mongodb://…, http://user:password@host:port, sqlite:/PATH, memory".into()),
            },
        }
    }

    /// What [`parse`](Self::parse) understands.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Mongo(uri) => uri.clone(),
            Self::Memory => "memory".into(),
            Self::Sqlite(path) => format!("sqlite:{path}"),
            Self::Arango { url, user, password } => {
                let (scheme, host) = url.split_once("://").unwrap_or(("http", url));
                format!("{scheme}://{user}:{password}@{host}")
            }
        }
    }
}

/// A MongoDB address with these options instead of its own of the same name.
pub(crate) fn with_options(uri: &str, options: &[(&str, &str)]) -> String {
    let (base, old) = uri.split_once('?').unwrap_or((uri, ""));
    let is_new = |option: &&str| {
        let key = option.split('=').next().unwrap_or_default();
        !option.is_empty() && !options.iter().any(|(name, _)| name.eq_ignore_ascii_case(key))
    };
    let kept = old.split('&').filter(is_new).map(str::to_owned);
    let all: Vec<String> = kept.chain(options.iter().map(|(name, value)| format!("{name}={value}"))).collect();
    let has_path = base.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    format!("{base}{}?{}", if has_path { "" } else { "/" }, all.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_told_apart() {
        assert!(matches!(Address::parse("memory"), Ok(Address::Memory)));
        assert!(matches!(Address::parse("mongodb://h"), Ok(Address::Mongo(_))));
        assert!(matches!(Address::parse("sqlite:/a/b"), Ok(Address::Sqlite(path)) if path == "/a/b"));
        for nothing in ["", "disk", "sqlite:b", "postgres://h", "http://h:8529", "http://root@h"] {
            assert!(Address::parse(nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn user_and_password_are_taken_out() {
        let Ok(address @ Address::Arango { .. }) = Address::parse("http://root:p@:w@h:8529/") else {
            panic!("ArangoDB")
        };
        assert_eq!(address.text(), "http://root:p@:w@h:8529");
        let Address::Arango { url, user, password } = address else { panic!("ArangoDB") };
        assert_eq!((&*url, &*user, &*password), ("http://h:8529", "root", "p@:w"));
    }

    #[test]
    fn options_replace_their_like() {
        let options = [("w", "majority"), ("journal", "true")];
        assert_eq!(with_options("mongodb://h", &options), "mongodb://h/?w=majority&journal=true");
        assert_eq!(
            with_options("mongodb://h/db?W=1&replicaSet=r", &options),
            "mongodb://h/db?replicaSet=r&w=majority&journal=true"
        );
    }
}
