//! The address of a deployment. It may hold a password, so nothing of it is ever repeated in an error.

use mongodb::options::ClientOptions;
use shylock_core::Result;

use crate::builder::invalid;

/// Parses an address, with errors of our own: the driver's may quote it.
pub(crate) async fn parse(uri: &str) -> Result<ClientOptions> {
    check(uri).map_err(|reason| invalid("uri", reason))?;
    ClientOptions::parse(uri).await.map_err(|error| {
        let resolving = matches!(*error.kind, mongodb::error::ErrorKind::DnsResolve { .. });
        if resolving {
            return crate::error::from_driver(error).into();
        }
        invalid("uri", "the driver cannot parse it: look at its hosts, ports and options, and percent-encode the user and the password")
    })
}

/// The mistakes that can be named without quoting anything.
pub(crate) fn check(uri: &str) -> Result<(), &'static str> {
    let rest = match uri.split_once("://") {
        Some(("mongodb", rest)) => rest,
        Some(("mongodb+srv", rest)) if cfg!(feature = "dns-srv") => rest,
        Some(("mongodb+srv", _)) => return Err("`mongodb+srv://` needs the feature `dns-srv` of shylock-mongo"),
        Some(_) => return Err("its scheme is neither `mongodb` nor `mongodb+srv`"),
        None => return Err("it has no scheme: it must begin with `mongodb://` or `mongodb+srv://`"),
    };
    let (authority, behind) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let hosts = match authority.rsplit_once('@') {
        // The driver panics on some of these, with a part of the password in its message.
        Some((user, _)) if !is_percent_encoded(user) => return Err("write `%25` for `%` in the user and the password"),
        Some((_, hosts)) => hosts,
        // A part of the password would be taken for a host, and told in errors.
        None if behind.contains('@') => return Err("percent-encode `/` and `?` in the user and the password"),
        None => authority,
    };
    if hosts.split(',').any(|host| host.is_empty() || host.starts_with(':')) {
        return Err("it has no host");
    }
    if hosts.contains(char::is_whitespace) {
        return Err("there is white space in a host");
    }
    Ok(())
}

/// Whether each `%` stands before two hexadecimal digits.
fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.bytes().take_while(u8::is_ascii_hexdigit).count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        assert_eq!(check("mongodb://localhost"), Ok(()));
        assert_eq!(check("mongodb://me:pw@a:1,b:2/db?replicaSet=x"), Ok(()));
        assert_eq!(check("mongodb://[::1]:27017/"), Ok(()));
        for no_host in [
            "mongodb://",
            "mongodb:///db",
            "mongodb://me:pw@",
            "mongodb://me:pw@/db",
            "mongodb://a,,b",
            "mongodb://:27017",
        ] {
            assert_eq!(check(no_host), Err("it has no host"), "{no_host}");
        }
        for encode in ["mongodb://me:12/3@a", "mongodb://me:12?3@a", "mongodb://me:12/3@a/?x=@"] {
            assert!(check(encode).is_err_and(|reason| reason.contains("percent-encode")), "{encode}");
        }
        for percent in
            ["mongodb://%é@a", "mongodb://me:%é@a", "mongodb://me:a%@a", "mongodb://me:%2@a", "mongodb://%zz@a"]
        {
            assert!(check(percent).is_err_and(|reason| reason.contains("`%25`")), "{percent}");
        }
        assert_eq!(check("mongodb://me%40work:%C3%A9%25@a"), Ok(()));
        assert!(check("mongodb://a b").is_err_and(|reason| reason.contains("white space")));
        for no_scheme in ["", "localhost", "localhost:27017"] {
            assert!(check(no_scheme).is_err_and(|reason| reason.contains("no scheme")), "{no_scheme}");
        }
        for wrong_scheme in ["http://localhost", "postgres://localhost", "Mongodb://localhost", "://localhost"] {
            assert!(check(wrong_scheme).is_err_and(|reason| reason.contains("its scheme")), "{wrong_scheme}");
        }
    }

    /// The driver panicked here, and told a part of the password.
    #[tokio::test]
    async fn nothing_reaches_the_driver_that_it_cannot_take() {
        for address in ["mongodb://me:12%€34@localhost", "mongodb://%2é@localhost"] {
            let error = parse(address).await.expect_err(address).to_string();
            assert!(!error.contains("34"), "{error}");
        }
    }
}
