//! The options of an address: which are left out, and which one is at fault. Pure.
//!
//! An option is named in errors, but never its value, which may be a secret.

use std::time::Duration;

use mongodb::options::ConnectionString;

use crate::uri_names;

/// Options of other drivers, in small letters, that locks do without: they say how values of documents are converted, how
/// connections are reused and compressed, which of the driver's own time-outs end a call, and what reads and writes
/// wait for unless a command says it itself, as ours do. What decides which server is reached, as whom, and how well the
/// connection is protected, is never left out.
const IGNORED: [&str; 52] = [
    "adaptiveretries",
    "autoconnectretry",
    "bsonregexp",
    "compressors",
    "datetime_conversion",
    "document_class",
    "enableutf8validation",
    "forceserverobjectid",
    "fsync",
    "heartbeatconnecttimeoutms",
    "heartbeatsockettimeoutms",
    "ignoreundefined",
    "j",
    "keepalive",
    "keepaliveinitialdelay",
    "loggerlevel",
    "maxautoconnectretrytime",
    "maxconnectionidletime",
    "maxconnectionlifetime",
    "maxlifetimems",
    "minheartbeatfrequencyms",
    "monitorcommands",
    "nodelay",
    "pkfactory",
    "poolsize",
    "promotebuffers",
    "promotelongs",
    "promotevalues",
    "raw",
    "safe",
    "serializefunctions",
    "serverselectiontryonce",
    "slaveok",
    "sockettimeout",
    "sockettimeoutms",
    "srvretry",
    "timeoutms",
    "tls_disable_ocsp_endpoint_check",
    "tlsdisablecertificaterevocationcheck",
    "tlsdisableocspendpointcheck",
    "tz_aware",
    "tzinfo",
    "unicode_decode_error_handler",
    "usebigint64",
    "usenewurlparser",
    "useunifiedtopology",
    "uuidrepresentation",
    "waitqueuemultiple",
    "waitqueuesize",
    "waitqueuetimeoutms",
    "wtimeout",
    "zlibcompressionlevel",
];

/// An address without the options that locks do without, and their names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reduced {
    pub(crate) uri: String,
    pub(crate) ignored: Vec<&'static str>,
}

/// Leaves out what locks do without.
pub(crate) fn reduce(uri: &str) -> Reduced {
    let Some((base, options)) = uri.split_once('?') else {
        return Reduced { uri: uri.into(), ignored: Vec::new() };
    };
    let mut ignored = Vec::new();
    let kept: Vec<&str> = pairs(options)
        .filter(|pair| match IGNORED.iter().find(|name| key(pair).eq_ignore_ascii_case(name)) {
            Some(name) => {
                ignored.push(*name);
                false
            }
            None => true,
        })
        .collect();
    Reduced { uri: format!("{base}?{}", kept.join("&")), ignored }
}

const CANNOT: &str = "the driver cannot parse it";

/// Why the driver does not parse this address.
pub(crate) fn fault(uri: &str) -> String {
    let (base, options) = uri.split_once('?').unwrap_or((uri, ""));
    if !parses(base) {
        let look = "look at its hosts and ports, and percent-encode the user, the password and the database";
        return format!("{CANNOT}: {look}");
    }
    let all: Vec<&str> = pairs(options).collect();
    let without = |left_out: usize| {
        let rest: Vec<&str> = all.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, pair)| *pair).collect();
        format!("{base}?{}", rest.join("&"))
    };
    let alone = |at: usize| format!("{base}?{}", all[at]);
    // The one without which all is well; or else the first that is wrong by itself.
    let at = (0..all.len()).find(|at| parses(&without(*at))).or_else(|| (0..all.len()).find(|at| !parses(&alone(*at))));
    let Some(at) = at else {
        return format!("{CANNOT}: its options contradict each other, or its hosts");
    };
    // What is before an `@` may be a part of a password in which `?` or `&` was not encoded; and where there is no `@`, what
    // follows `?` may be all of it. So a name is only told if it looks like one.
    let name = key(all[at]);
    let option = match uri_names::may_be_told(name, &IGNORED)
        && all[at].contains('=')
        && !all[at..].iter().any(|pair| pair.contains('@'))
    {
        true => format!("`{name}`"),
        false => format!("number {}", at + 1),
    };
    match ConnectionString::parse(alone(at)) {
        Err(error) if error.to_string().contains("is an invalid option") => {
            format!(
                "{CANNOT}: it does not know the option {option}, and leaving it out could change what the address means"
            )
        }
        Err(_) if !all[at].contains('=') => format!("{CANNOT}: its option {option} is no `name=value`"),
        Err(_) => format!("{CANNOT}: it does not take the value of the option {option}"),
        Ok(_) => format!("{CANNOT}: the option {option} contradicts another, or is there twice"),
    }
}

/// How long to look for a server, if the address says.
pub(crate) fn server_selection_timeout(uri: &str) -> Option<Duration> {
    let (_, options) = uri.split_once('?')?;
    let pair = pairs(options).find(|pair| key(pair).eq_ignore_ascii_case("serverSelectionTimeoutMS"))?;
    pair.split_once('=')?.1.parse().ok().map(Duration::from_millis)
}

/// Whether there is an `@` in these options but in the name of the application, as Azure's portal writes it.
pub(crate) fn has_stray_at(options: &str) -> bool {
    pairs(options).any(|pair| pair.contains('@') && !key(pair).eq_ignore_ascii_case("appName"))
}

fn pairs(options: &str) -> impl Iterator<Item = &str> {
    options.split('&').filter(|pair| !pair.is_empty())
}

fn key(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

fn parses(uri: &str) -> bool {
    ConnectionString::parse(uri).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_locks_do_without_is_left_out() {
        let reduced = reduce("mongodb://u:p@h/db?w=1&useNewUrlParser=true&TLS=true&SocketTimeoutMS=7&");
        assert_eq!(reduced.uri, "mongodb://u:p@h/db?w=1&TLS=true");
        assert_eq!(reduced.ignored, ["usenewurlparser", "sockettimeoutms"]);
        for plain in ["mongodb://h", "mongodb://h/?", "mongodb://h/db?appName=@a@"] {
            assert_eq!(reduce(plain), Reduced { uri: plain.into(), ignored: Vec::new() });
        }
        assert!(IGNORED.is_sorted(), "each stands there once");
        // The driver takes the address without it, and some of them only so.
        for name in IGNORED {
            assert!(parses(&reduce(&format!("mongodb://h/?{name}=x")).uri), "{name}");
        }
    }

    /// They decide which server is reached, as whom, or how well the connection is protected.
    #[test]
    fn what_matters_is_never_left_out() {
        for option in [
            "tlsAllowInvalidHostnames=true",
            "sslValidate=false",
            "ssl_cert_reqs=CERT_NONE",
            "gssapiServiceName=x",
            "connect=direct",
            "proxyHost=localhost",
            "replicaSett=x",
            "readPreferences=primary",
            "authSourc=x",
        ] {
            let name = key(option);
            let uri = format!("mongodb://h/?w=1&{option}");
            assert_eq!(reduce(&uri).ignored, [""; 0]);
            let fault = fault(&uri);
            assert!(fault.contains(&format!("`{name}`")), "{fault}");
        }
    }

    #[test]
    fn the_option_at_fault_is_named_without_its_value() {
        for (options, says) in [
            ("w=1&tls=secret", "the value of the option `tls`"),
            ("ssl=secret", "the value of the option `ssl`"),
            ("maxPoolSize=-1&w=1", "the value of the option `maxPoolSize`"),
            ("w=1&replicaSett=secret", "it does not know the option `replicaSett`"),
            ("w=1&unheardOf=secret", "it does not know the option number 2"),
            ("secretsecret=x", "it does not know the option number 1"),
            ("tls=true&tls=false", "the option `tls` contradicts another, or is there twice"),
            ("tls=false&tlsCAFile=secret", "contradicts another"),
            ("secret", "option number 1"),
            ("secret=1&x=y@z", "option number 1"),
            ("x%41=secret", "option number 1"),
        ] {
            let fault = fault(&format!("mongodb://h/?{options}"));
            assert!(fault.contains(says), "{options}: {fault}");
            assert!(!fault.contains("secret"), "{options}: {fault}");
        }
        assert!(fault("mongodb://h:99999/?w=1").contains("hosts and ports"));
        assert!(fault("mongodb://h:99999").contains("hosts and ports"));
    }

    #[test]
    fn the_time_for_finding_a_server_is_read() {
        let of = |options: &str| server_selection_timeout(&format!("mongodb+srv://h/{options}"));
        assert_eq!(of("?serverSelectionTimeoutMS=500"), Some(Duration::from_millis(500)));
        assert_eq!(of("?w=1&SERVERSELECTIONTIMEOUTMS=0"), Some(Duration::ZERO));
        for none in ["", "?", "?w=1", "?serverSelectionTimeoutMS", "?serverSelectionTimeoutMS=-1"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn an_application_may_have_an_at_in_its_name() {
        assert!(!has_stray_at("ssl=true&appName=@account@") && !has_stray_at("APPNAME=@a@") && !has_stray_at(""));
        assert!(has_stray_at("3@host") && has_stray_at("appName=a&x=@") && has_stray_at("@"));
    }
}
