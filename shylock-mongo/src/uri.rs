//! The address of a deployment. It may hold a password, so nothing of it is ever repeated in an error.

use std::{
    future::{Future, IntoFuture},
    time::Duration,
};

use mongodb::{error::ErrorKind, options::ClientOptions};
use shylock_core::{BackendError, Result};

use crate::{
    builder::invalid,
    error,
    mongo_error::MongoError,
    runtime::within,
    uri_options::{fault, has_stray_at, reduce, server_selection_timeout},
};

/// Parses an address, with errors of our own: the driver's may quote it. `limit` is how long a name server may take,
/// unless the address says how long to look for a server.
pub(crate) async fn parse(uri: &str, limit: Duration) -> Result<ClientOptions> {
    check(uri).map_err(|reason| invalid("uri", reason))?;
    let reduced = reduce(uri);
    let ignored = reduced.ignored.join(", ");
    if !ignored.is_empty() {
        tracing::warn!(ignored, "options of the address are ignored, as locks do without them");
    }
    let parsing = ClientOptions::parse(&reduced.uri).into_future();
    let parsed = if uri.starts_with(SRV) {
        looked_up(server_selection_timeout(uri).unwrap_or(limit), parsing).await?
    } else {
        parsing.await
    };
    parsed.map_err(|error| match *error.kind {
        ErrorKind::DnsResolve { .. } => error::from_driver(error).into(),
        _ => invalid("uri", fault(&reduced.uri)),
    })
}

const SRV: &str = "mongodb+srv://";

/// What name servers answer in time. The driver gives them 5 s each, for each name that the machine completes it to.
async fn looked_up<T>(limit: Duration, parsing: impl Future<Output = T>) -> Result<T, BackendError> {
    within(limit, parsing).await?.ok_or_else(|| {
        let text = format!("the host of the address could not be looked up within {limit:?}: no name server answered");
        BackendError::not_applied(MongoError::new(text), None)
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
        None if has_stray_at(behind.split_once('?').map_or("", |(_, options)| options))
            || behind.split('?').next().is_some_and(|path| path.contains('@')) =>
        {
            return Err("percent-encode `/` and `?` in the user and the password");
        }
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
        for at in ["mongodb://a/?ssl=true&appName=@account@", "mongodb://me:pw@a?appName=@a@", "mongodb://me:pw@a/?x=@"]
        {
            assert_eq!(check(at), Ok(()), "{at}");
        }
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
            let error = parse(address, LIMIT).await.expect_err(address).to_string();
            assert!(!error.contains("34"), "{error}");
        }
    }

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_dead_name_server_is_waited_for_as_long_as_a_dead_server() {
        let since = tokio::time::Instant::now();
        let error = looked_up(LIMIT, std::future::pending::<()>()).await.expect_err("nobody answers");
        assert_eq!((since.elapsed(), error.failure()), (LIMIT, &shylock_core::Failure::NotApplied));
        assert_eq!(looked_up(LIMIT, async { 7 }).await.expect("an answer"), 7);
    }

    #[tokio::test]
    async fn addresses_of_other_programs_are_taken() {
        for uri in [
            "mongodb://h/?ssl=true&appName=@account@&retrywrites=false&maxIdleTimeMS=120000",
            "mongodb://u:p@h/db?useNewUrlParser=true&useUnifiedTopology=true&socketTimeoutMS=1000",
            "mongodb://h/?uuidRepresentation=standard&compressors=zstd,snappy&zlibCompressionLevel=6&timeoutMS=1",
        ] {
            parse(uri, LIMIT).await.expect(uri);
        }
        let error = parse("mongodb://u:p@h/db?conect=direct", LIMIT).await.expect_err("misspelt").to_string();
        assert!(error.contains("`conect`"), "{error}");
    }
}
